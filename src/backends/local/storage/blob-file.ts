// Stored blobs and parts of them as files.
import { type FileHandle, open, stat } from 'node:fs/promises'
import { EngineError } from '../../../errors.js'
import type { CallOptions, Digest } from '../../../model/common.js'
import { fsError, hasErrno } from '../../../util/fs-error.js'
import type { Store } from './store.js'

const chunkBytes = 256 << 10

/** Throws `not_found`. */
export async function openBlob({ places }: Pick<Store, 'places'>, digest: Digest): Promise<FileHandle> {
  try {
    return await open(places.blob(digest), 'r')
  } catch (error) {
    throw hasErrno(error, 'ENOENT') ? absent(digest) : fsError(error, `blob "${digest}"`)
  }
}

export async function* readRange(
  file: FileHandle,
  from: number,
  to: number,
  { signal }: CallOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = from; at < to; ) {
    signal?.throwIfAborted()
    const most = Math.min(chunkBytes, to - at)
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(most), 0, most, at)
    if (bytesRead === 0) throw new EngineError('data_loss', `a blob ended at ${at} of ${to} bytes`)
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

export async function sizeOf(path: string, digest: Digest): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw fsError(error, `blob "${digest}"`)
  }
}
export function absent(digest: Digest): EngineError {
  return new EngineError('not_found', `no blob "${digest}"`, { subject: { kind: 'blob', id: digest } })
}
