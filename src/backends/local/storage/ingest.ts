// `ContentStore.ingest`: bytes whose digest nobody knows before the last one.
import { createHash, randomUUID } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Descriptor, Digest } from '../../../model/common.js'
import type { WriteOptions } from '../../../ports/engine/content.js'
import { abortable } from '../../../util/abortable.js'
import { sizeOf } from './blob-file.js'
import { labelBlob } from './blob-labels.js'
import { openPart } from './part-file.js'
import { ingestLock, type Store } from './store.js'
import { publish } from './write.js'

/** Of such a part nobody resumes. */
export const nameless = 'new-'

export async function ingestBlob(
  store: Store,
  mediaType: string,
  bytes: AsyncIterable<Uint8Array>,
  options: Omit<WriteOptions, 'offset'>,
): Promise<Descriptor> {
  options.signal?.throwIfAborted()
  const name = `${nameless}${randomUUID()}`
  const path = join(store.places.ingests, name)
  await using _alive = await store.locks.acquire(ingestLock(name), { signal: options.signal })
  const hash = createHash('sha256')
  try {
    await using part = await openPart(path, 0, hash, 'ingest')
    for await (const chunk of abortable(bytes, options.signal)) await part.write(chunk)
    const size = part.size
    await store.step('ingest.sync')
    await part.sync()
    const digest: Digest = `sha256:${hash.digest('hex')}`
    await settle(store, path, digest, options)
    return { mediaType, digest, size }
  } catch (error) {
    await unlink(path).catch(() => {})
    throw error
  }
}

async function settle(store: Store, path: string, digest: Digest, options: Omit<WriteOptions, 'offset'>): Promise<void> {
  await using _writer = await store.locks.acquire(ingestLock(digest), { signal: options.signal })
  await store.hold?.keep({ kind: 'blob', digest })
  await store.step('ingest.rename')
  if ((await sizeOf(store.places.blob(digest), digest)) !== undefined) await unlink(path)
  else await publish(store, path, digest)
  await labelBlob(store, digest, options)
}
