// One entry of a layer's archive, whichever dialect it came in. Names are bytes, written as latin1.

export type EntryType = 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'character' | 'block'

export interface TarEntry {
  readonly type: EntryType
  readonly name: string
  /** Of a symbolic or hard link. */
  readonly linkName: string
  /** Permission bits and set-id bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly time: EntryTime
  /** Bytes in the archive, without the padding. Of a sparse file fewer than it shows. */
  readonly size: number
  readonly major: number
  readonly minor: number
  readonly xattrs: readonly (readonly [name: string, value: string])[]
  readonly sparse?: Sparse | undefined
}
export interface EntryTime {
  readonly seconds: number
  readonly nanoseconds: number
}
/** Handed on as it is, since tar knows all of its dialects. */
export type Sparse =
  /** Type `S` of GNU: a map in the header, and in blocks between it and the data. */
  | { readonly kind: 'gnu'; readonly header: Buffer; readonly maps: readonly Buffer[] }
  /** `GNU.sparse.*` records, in their order. */
  | { readonly kind: 'pax'; readonly records: readonly (readonly [key: string, value: string])[] }

export const blockBytes = 512
export const paddingOf = (size: number): number => (blockBytes - (size % blockBytes)) % blockBytes
