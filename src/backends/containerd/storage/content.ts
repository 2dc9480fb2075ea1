import type { CallOptions, Descriptor, Digest } from '../../../model/common.js'
import type { ByteSource, ContentInfo, ContentReference, ContentStore, ReadOptions, WriteOptions } from '../../../ports/engine/content.js'
import { EngineError, isEngineError } from '../../../errors.js'
import { Content } from '../gen/content_pb.js'
import { ours } from '../labels.js'
import { addReference } from './content-labels.js'
import { keep } from './leases.js'
import { ingestBlob, ingestRef, writeBlob } from './write.js'
import type { StorageWire } from './wire.js'

export class ContainerdContent implements ContentStore {
  readonly #wire: StorageWire
  constructor(wire: StorageWire) {
    this.#wire = wire
  }

  async find(digest: Digest, { signal }: CallOptions = {}): Promise<ContentInfo | undefined> {
    const { calls } = this.#wire
    try {
      await keep(calls, { type: 'content', id: digest }, { signal })
      const { info } = await calls.unary(Content.method.info, { digest }, { signal, subject: { kind: 'blob', id: digest } })
      return { digest, size: Number(info?.size ?? 0n) }
    } catch (error) {
      if (isEngineError(error, 'not_found')) return undefined
      throw error
    }
  }
  async *read(digest: Digest, { offset = 0, length, signal }: ReadOptions = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const subject = { kind: 'blob', id: digest }
    if (offset < 0 || (length ?? 0) < 0)
      throw new EngineError('invalid_argument', `blob "${digest}": no range from ${offset} of ${String(length)} bytes`, { subject })
    if (length === 0) {
      // to the daemon a length of 0 is all of it
      if ((await this.find(digest, { signal })) === undefined) throw new EngineError('not_found', `no blob "${digest}"`, { subject })
      return
    }
    const request = { digest, offset: BigInt(offset), size: BigInt(length ?? 0) }
    for await (const { data } of this.#wire.calls.serverStream(Content.method.read, request, { signal, subject })) yield data
  }
  write(expected: Descriptor, bytes: ByteSource, options: WriteOptions = {}): Promise<void> {
    return writeBlob(this.#wire, expected, bytes, options)
  }
  ingest(mediaType: string, bytes: AsyncIterable<Uint8Array>, options: Omit<WriteOptions, 'offset'> = {}): Promise<Descriptor> {
    return ingestBlob(this.#wire, mediaType, bytes, options)
  }
  link(digest: Digest, to: ContentReference, options: CallOptions = {}): Promise<void> {
    return addReference(this.#wire, digest, to, options)
  }
  async resumePoint(expected: Descriptor, { signal }: CallOptions = {}): Promise<number> {
    try {
      const { status } = await this.#wire.calls.unary(Content.method.status, { ref: ingestRef(expected.digest) }, { signal })
      return Number(status?.offset ?? 0n)
    } catch (error) {
      if (isEngineError(error, 'not_found')) return 0
      throw error
    }
  }
  async delete(digest: Digest, { signal }: CallOptions = {}): Promise<void> {
    try {
      await this.#wire.calls.unary(Content.method.delete, { digest }, { signal, subject: { kind: 'blob', id: digest } })
    } catch (error) {
      if (!isEngineError(error, 'not_found')) throw error
    }
  }
  async *list({ signal }: CallOptions = {}): AsyncGenerator<ContentInfo, void, undefined> {
    for await (const { info } of this.#wire.calls.serverStream(Content.method.list, { filters: [ours(this.#wire.rootId)] }, { signal })) {
      for (const { digest, size } of info) yield { digest: digest as Digest, size: Number(size) }
    }
  }
}
