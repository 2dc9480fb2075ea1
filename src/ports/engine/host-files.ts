import type { CallOptions } from '../../model/common.js'

export interface HostPath {
  readonly type: 'file' | 'directory' | 'block' | 'character' | 'other'
  /** Of a device. */
  readonly major?: number | undefined
  readonly minor?: number | undefined
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** What the managers ask of the host's own files: sources of binds, device nodes, the resolver's configuration. */
export interface HostFiles {
  /** Links are followed. Absent: `undefined`. A relative path is `invalid_argument`. */
  inspect(path: string, options?: CallOptions): Promise<HostPath | undefined>
  /** Paths of the device nodes below a directory, links left out. */
  devices(directory: string, options?: CallOptions): Promise<readonly string[]>
  /** A text file as UTF-8, its first mebibyte. Absent: `undefined`. */
  readText(path: string, options?: CallOptions): Promise<string | undefined>
  /** With its parents. One that is there is success. */
  makeDirectory(path: string, options?: CallOptions): Promise<void>
}
