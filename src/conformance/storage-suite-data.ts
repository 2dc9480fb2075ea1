// Bytes, layers and sources of bytes for the storage suites.
import { createHash, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import tarStream from 'tar-stream'
import { buffer } from 'node:stream/consumers'
import type { Descriptor, Digest } from '../model/common.js'
import { isEngineError, type ErrorCode } from '../errors.js'

export interface Blob {
  readonly bytes: Buffer
  readonly descriptor: Descriptor
}
export interface Layer extends Blob {
  readonly diffId: Digest
}

/** Large enough for an upload in many messages, with an end that fills none. */
export const largeBytes: number = (3 << 20) + 12_345

export function randomBlob(size: number, mediaType: string = 'application/octet-stream'): Blob {
  return blobOf(randomBytes(size), mediaType)
}
export function blobOf(bytes: Buffer, mediaType: string): Blob {
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength } }
}
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
export async function* inChunks(bytes: Uint8Array, chunkBytes: number = 64 << 10): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.byteLength; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}
export async function* failingAfter(bytes: Uint8Array, error: Error): AsyncGenerator<Uint8Array, void, undefined> {
  yield* inChunks(bytes)
  throw error
}
/** Tells when it has given `bytes`, and then gives nothing, for ever. */
export function stalling(bytes: Uint8Array): { readonly bytes: AsyncIterable<Uint8Array>; readonly stalled: Promise<void> } {
  let stall = (): void => {}
  const stalled = new Promise<void>((resolve) => {
    stall = resolve
  })
  async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* inChunks(bytes)
    stall()
    await new Promise<never>(() => {})
  }
  return { bytes: source(), stalled }
}
export async function collectBytes(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of bytes) parts.push(Buffer.from(part))
  return Buffer.concat(parts)
}
export async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}
/** For `assert.rejects`. */
export function withCode(...codes: readonly ErrorCode[]): (error: unknown) => boolean {
  return (error) => isEngineError(error) && codes.includes(error.code)
}

export const layerTypes = {
  plain: 'application/vnd.oci.image.layer.v1.tar',
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  docker: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const

/** A text is a file of that text; null a directory; `{ link }` a symbolic link. */
export async function layerOf(
  entries: Readonly<Record<string, string | null | { readonly link: string }>>,
  mediaType: string = layerTypes.gzip,
): Promise<Layer> {
  const pack = tarStream.pack()
  const whole = buffer(pack)
  for (const [name, what] of Object.entries(entries)) {
    const common = { name, mtime: new Date(1_600_000_000_000), uid: 0, gid: 0 }
    if (what === null) pack.entry({ ...common, type: 'directory', mode: 0o755 })
    else if (typeof what === 'string') pack.entry({ ...common, mode: 0o644 }, what)
    else pack.entry({ ...common, type: 'symlink', linkname: what.link, mode: 0o777 })
  }
  pack.finalize()
  const tar = await whole
  const bytes = mediaType === layerTypes.plain ? tar : await promisify(gzip)(tar)
  return { ...blobOf(bytes, mediaType), diffId: digestOf(tar) }
}
