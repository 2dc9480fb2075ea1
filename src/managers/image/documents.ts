// Manifests and configs of stored images, parsed once: both never change under their digest.
import type { CallOptions, Descriptor, Digest } from '../../model/common.js'
import { EngineError, isEngineError } from '../../errors.js'
import { type ImageDocument, readImageConfig } from '../../oci/image-config.js'
import { type ImageIndex, type Manifest, MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES, readManifest } from '../../oci/manifest.js'
import type { ContentStore } from '../../ports/engine/content.js'
import { Lru } from './lru.js'

type Content = Pick<ContentStore, 'read'>
/** Larger ones are read anew each time. */
const cachedBytes = 256 << 10

export class Documents {
  readonly #manifests = new Lru<Digest, Manifest | ImageIndex>(256)
  readonly #configs = new Lru<Digest, ImageDocument>(256)

  /** `undefined` when it is not here. */
  async findManifest(content: Content, descriptor: Descriptor, options: CallOptions = {}): Promise<Manifest | ImageIndex | undefined> {
    const parse = (bytes: Uint8Array) => readManifest(bytes, descriptor.mediaType, { what: `manifest "${descriptor.digest}"` })
    return this.#find(this.#manifests, content, descriptor.digest, MAX_MANIFEST_BYTES, parse, options)
  }
  /** `undefined` when it is not here. */
  async findConfig(content: Content, { digest }: Descriptor, options: CallOptions = {}): Promise<ImageDocument | undefined> {
    return this.#find(
      this.#configs,
      content,
      digest,
      MAX_CONFIG_BYTES,
      (bytes) => readImageConfig(bytes, { what: `config "${digest}"` }),
      options,
    )
  }
  async #find<T>(
    cache: Lru<Digest, T>,
    content: Content,
    digest: Digest,
    limit: number,
    parse: (bytes: Uint8Array) => T,
    { signal }: CallOptions,
  ): Promise<T | undefined> {
    signal?.throwIfAborted()
    const known = cache.get(digest)
    if (known !== undefined) return known
    try {
      const bytes = await readBlob(content, digest, limit, { signal })
      const parsed = parse(bytes)
      if (bytes.length <= cachedBytes) cache.set(digest, parsed)
      return parsed
    } catch (error) {
      if (isEngineError(error, 'not_found')) return undefined
      throw error
    }
  }
}

/** A whole stored blob; more than `limit` bytes are `data_loss`. */
export async function readBlob(content: Content, digest: Digest, limit: number, options: CallOptions = {}): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of content.read(digest, { ...options, length: limit + 1 })) {
    length += part.byteLength
    if (length > limit) throw new EngineError('data_loss', `blob "${digest}" is larger than ${limit} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
