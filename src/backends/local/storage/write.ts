// `ContentStore.write`: one writer of a blob at a time; it goes on with what the one before has left.
import { createHash, type Hash } from 'node:crypto'
import { open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallOptions, Descriptor, Digest } from '../../../model/common.js'
import type { ByteSource, WriteOptions } from '../../../ports/engine/content.js'
import { EngineError, isEngineError } from '../../../errors.js'
import { digestAlgorithm, isDigest } from '../../../oci/digest.js'
import { abortable } from '../../../util/abortable.js'
import { fsError } from '../../../util/fs-error.js'
import { labelBlob } from './blob-labels.js'
import { readRange, sizeOf } from './blob-file.js'
import { openPart, type PartFile, type Tap } from './part-file.js'
import { ingestLock, type Store, syncDirectory } from './store.js'

const subjectOf = (digest: Digest) => ({ kind: 'blob', id: digest })

/** `tap` is not called when the blob is there already: resolves with whether it was. */
export async function writeBlob(
  store: Store,
  expected: Descriptor,
  bytes: ByteSource,
  options: WriteOptions,
  tap?: Tap,
): Promise<{ readonly wasThere: boolean }> {
  options.signal?.throwIfAborted()
  const { digest } = expected
  if (!isDigest(digest)) throw new EngineError('invalid_argument', `blob "${String(digest)}": not a digest`)
  await using _writer = await store.locks.acquire(ingestLock(digest), { signal: options.signal })
  await store.hold?.keep({ kind: 'blob', digest })
  const wasThere = (await sizeOf(store.places.blob(digest), digest)) !== undefined
  if (!wasThere) await writePart(store, expected, bytes, options, tap)
  await labelBlob(store, digest, options)
  return { wasThere }
}

async function writePart(
  store: Store,
  { digest, size }: Descriptor,
  bytes: ByteSource,
  options: WriteOptions,
  tap: Tap | undefined,
): Promise<void> {
  const path = store.places.part(digest)
  const held = (await sizeOf(path, digest)) ?? 0
  // Who gives bytes without asking is believed more than what is held.
  const offset = typeof bytes === 'function' ? Math.min(held, size) : (options.offset ?? 0)
  if (offset > held) {
    throw new EngineError('conflict', `blob "${digest}": only ${held} of its bytes are held, begin there`, {
      retryable: true,
      subject: subjectOf(digest),
    })
  }
  const hash = createHash(digestAlgorithm(digest))
  try {
    await store.step('blob.begin')
    await takeUp(path, offset, hash, options, tap)
    await using part = await openPart(path, offset, hash, `blob "${digest}"`, tap)
    await receive(part, digest, size, typeof bytes === 'function' ? bytes(offset) : bytes, options)
    const found: Digest = `${digestAlgorithm(digest)}:${hash.digest('hex')}`
    if (found !== digest) throw new EngineError('data_loss', `blob "${digest}" has the digest "${found}"`, { subject: subjectOf(digest) })
    await store.step('blob.sync')
    await part.sync()
  } catch (error) {
    // Of what is wrong nothing is left, and of what the disk has no room for neither.
    if (isEngineError(error, 'data_loss') || isEngineError(error, 'resource_exhausted')) await unlink(path).catch(() => {})
    throw error
  }
  await store.step('blob.rename')
  await publish(store, path, digest)
}

async function receive(
  part: PartFile,
  digest: Digest,
  size: number,
  bytes: AsyncIterable<Uint8Array>,
  { signal }: CallOptions,
): Promise<void> {
  try {
    if (part.size < size || size === 0) {
      for await (const chunk of abortable(bytes, signal)) {
        if (part.size + chunk.byteLength > size)
          throw new EngineError('data_loss', `blob "${digest}": more than its ${size} bytes came`, { subject: subjectOf(digest) })
        await part.write(chunk)
      }
    }
  } catch (error) {
    await part.flush().catch(() => {}) // for whoever resumes
    throw error
  }
  if (part.size !== size)
    throw new EngineError('data_loss', `blob "${digest}": ${part.size} of its ${size} bytes came`, { subject: subjectOf(digest) })
  await part.flush()
}

async function takeUp(path: string, offset: number, hash: Hash, options: CallOptions, tap: Tap | undefined): Promise<void> {
  if (offset === 0) return
  await using file = await open(path, 'r')
  for await (const chunk of readRange(file, 0, offset, options)) {
    hash.update(chunk)
    await tap?.push(chunk)
  }
}

/** From now on it can be seen, whole and verified. */
export async function publish({ places }: Store, path: string, digest: Digest): Promise<void> {
  try {
    await rename(path, places.blob(digest))
    await syncDirectory(join(places.blob(digest), '..'))
  } catch (error) {
    throw fsError(error, `blob "${digest}"`)
  }
}
