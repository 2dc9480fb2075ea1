import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallOptions, Descriptor, Digest } from '../../../model/common.js'
import type { ByteSource, ContentInfo, ContentReference, ContentStore, ReadOptions, WriteOptions } from '../../../ports/engine/content.js'
import { EngineError } from '../../../errors.js'
import { isDigest } from '../../../oci/digest.js'
import { fsError, hasErrno } from '../../../util/fs-error.js'
import { absent, openBlob, readRange, sizeOf } from './blob-file.js'
import { labelBlob } from './blob-labels.js'
import { ingestBlob } from './ingest.js'
import { type Store, syncDirectory } from './store.js'
import { writeBlob } from './write.js'

export class LocalContent implements ContentStore {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  async find(digest: Digest, { signal }: CallOptions = {}): Promise<ContentInfo | undefined> {
    signal?.throwIfAborted()
    await this.#store.hold?.keep({ kind: 'blob', digest })
    const size = await sizeOf(this.#store.places.blob(digest), digest)
    return size === undefined ? undefined : { digest, size }
  }
  async *read(digest: Digest, { offset = 0, length, signal }: ReadOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    signal?.throwIfAborted()
    await using file = await openBlob(this.#store, digest)
    const { size } = await file.stat()
    if (offset < 0 || (length ?? 0) < 0 || offset > size) {
      throw new EngineError('invalid_argument', `blob "${digest}": no range from ${offset} of ${String(length)} bytes`, {
        subject: { kind: 'blob', id: digest },
      })
    }
    yield* readRange(file, offset, Math.min(size, offset + (length ?? size)), { signal })
  }
  async write(expected: Descriptor, bytes: ByteSource, options: WriteOptions = {}): Promise<void> {
    await writeBlob(this.#store, expected, bytes, options)
  }
  ingest(mediaType: string, bytes: AsyncIterable<Uint8Array>, options: Omit<WriteOptions, 'offset'> = {}): Promise<Descriptor> {
    return ingestBlob(this.#store, mediaType, bytes, options)
  }
  async link(digest: Digest, to: ContentReference, { signal }: CallOptions = {}): Promise<void> {
    if ((await this.find(digest, { signal })) === undefined) throw absent(digest)
    await labelBlob(this.#store, digest, { references: [to], signal })
  }
  async resumePoint({ digest }: Descriptor, { signal }: CallOptions = {}): Promise<number> {
    signal?.throwIfAborted()
    return (await sizeOf(this.#store.places.part(digest), digest)) ?? 0
  }
  async delete(digest: Digest, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const path = this.#store.places.blob(digest)
    await this.#store.step('blob.delete')
    try {
      await unlink(path)
      await syncDirectory(join(path, '..'))
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw fsError(error, `blob "${digest}"`)
    }
    await this.#store.labels.delete(digest, { signal })
  }
  async *list({ signal }: CallOptions = {}): AsyncGenerator<ContentInfo, void, undefined> {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      signal?.throwIfAborted()
      for (const name of await readdir(this.#store.places.blobs(algorithm))) {
        const digest = `${algorithm}:${name}`
        if (!isDigest(digest)) continue
        const size = await sizeOf(this.#store.places.blob(digest), digest)
        signal?.throwIfAborted()
        if (size !== undefined) yield { digest, size }
      }
    }
  }
}
