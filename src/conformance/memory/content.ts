import { createHash } from 'node:crypto'
import { EngineError } from '../../errors.js'
import type { CallOptions, Descriptor, Digest } from '../../model/common.js'
import type { ByteSource, ContentInfo, ContentReference, ContentStore, ReadOptions, WriteOptions } from '../../ports/engine/content.js'
import { abortable } from '../../util/abortable.js'
import type { Blob, Lease, MemoryState } from './state.js'

export class MemoryContent implements ContentStore {
  readonly #state: MemoryState
  readonly #lease: Lease | undefined

  constructor(state: MemoryState, lease: Lease | undefined) {
    this.#state = state
    this.#lease = lease
  }
  async find(digest: Digest, options?: CallOptions): Promise<ContentInfo | undefined> {
    options?.signal?.throwIfAborted()
    const blob = this.#state.blobs.get(digest)
    if (blob === undefined) return undefined
    this.#lease?.blobs.add(digest)
    return { digest, size: blob.bytes.byteLength }
  }
  async *read(digest: Digest, { offset = 0, length, signal }: ReadOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    signal?.throwIfAborted()
    const { bytes } = this.#get(digest)
    if (offset < 0 || offset > bytes.byteLength || (length ?? 0) < 0)
      throw new EngineError('invalid_argument', `blob "${digest}" has no byte ${offset}`)
    const part = bytes.subarray(offset, length === undefined ? undefined : offset + length)
    for (let at = 0; at < part.byteLength; at += chunkBytes) {
      signal?.throwIfAborted()
      yield part.slice(at, at + chunkBytes)
    }
  }
  async write(expected: Descriptor, bytes: ByteSource, options: WriteOptions = {}): Promise<void> {
    const { digest, size } = expected
    const { signal } = options
    using _writer = await this.#state.writers.acquire(digest, { signal })
    if (!this.#state.blobs.has(digest)) {
      const held = this.#state.parts.get(digest) ?? new Uint8Array()
      const offset = typeof bytes === 'function' ? held.byteLength : (options.offset ?? 0)
      if (offset > held.byteLength)
        throw new EngineError('conflict', `blob "${digest}": only ${held.byteLength} of its bytes are held, begin there`, {
          retryable: true,
        })
      const parts = [held.subarray(0, offset)]
      try {
        for await (const chunk of abortable(typeof bytes === 'function' ? bytes(offset) : bytes, signal)) parts.push(chunk.slice())
      } catch (error) {
        this.#state.parts.set(digest, Buffer.concat(parts))
        throw error
      }
      this.#state.parts.delete(digest)
      const whole = Buffer.concat(parts)
      if (whole.byteLength !== size) throw new EngineError('data_loss', `blob "${digest}": ${whole.byteLength} of its ${size} bytes came`)
      if (digestOf(whole, digest) !== digest) throw new EngineError('data_loss', `blob "${digest}" came as "${digestOf(whole, digest)}"`)
      this.#state.blobs.set(digest, { bytes: whole, references: [], sources: [] })
    }
    this.#note(digest, options)
  }
  async ingest(mediaType: string, bytes: AsyncIterable<Uint8Array>, options: Omit<WriteOptions, 'offset'> = {}): Promise<Descriptor> {
    options.signal?.throwIfAborted()
    const parts: Uint8Array[] = []
    for await (const chunk of abortable(bytes, options.signal)) parts.push(chunk.slice())
    const whole = Buffer.concat(parts)
    const digest = digestOf(whole)
    if (!this.#state.blobs.has(digest)) this.#state.blobs.set(digest, { bytes: whole, references: [], sources: [] })
    this.#note(digest, options)
    return { mediaType, digest, size: whole.byteLength }
  }
  async link(digest: Digest, to: ContentReference, options?: CallOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    this.#get(digest)
    this.#note(digest, { references: [to] })
  }
  async resumePoint({ digest }: Descriptor, options?: CallOptions): Promise<number> {
    options?.signal?.throwIfAborted()
    return this.#state.parts.get(digest)?.byteLength ?? 0
  }
  async delete(digest: Digest, options?: CallOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    this.#state.blobs.delete(digest)
  }
  async *list(options?: CallOptions): AsyncGenerator<ContentInfo, void, undefined> {
    for (const [digest, { bytes }] of [...this.#state.blobs]) {
      options?.signal?.throwIfAborted()
      yield { digest, size: bytes.byteLength }
    }
  }
  #get(digest: Digest): Blob {
    const blob = this.#state.blobs.get(digest)
    if (blob === undefined) throw new EngineError('not_found', `no blob "${digest}"`, { subject: { kind: 'blob', id: digest } })
    return blob
  }
  #note(digest: Digest, { references = [], source }: WriteOptions): void {
    const blob = this.#get(digest)
    const sources = source === undefined || blob.sources.includes(source) ? blob.sources : [...blob.sources, source]
    this.#state.blobs.set(digest, { ...blob, references: [...blob.references, ...references], sources })
    this.#lease?.blobs.add(digest)
  }
}

const chunkBytes = 64 << 10

export function digestOf(bytes: Uint8Array, like: Digest = 'sha256:'): Digest {
  const algorithm = like.startsWith('sha512:') ? 'sha512' : 'sha256'
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}
