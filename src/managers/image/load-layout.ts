// An OCI image layout in a tar (image-spec v1.1, image-layout.md).
import { EngineError } from '../../errors.js'
import type { CallOptions, Descriptor, Digest } from '../../model/common.js'
import { type Manifest, readManifest } from '../../oci/manifest.js'
import { mediaTypes } from '../../oci/media-types.js'
import type { ContentReference, ContentStore } from '../../ports/engine/content.js'
import { type Archive, type ArchivedImage, oneChunk } from './archive.js'
import { dockerEntries } from './load-docker.js'
import { parseTag } from './naming.js'
import { checkRunnable, plainDescriptor } from './select.js'

const code = 'invalid_argument'
const maxNesting = 4

/**
 * The entries of `index.json` by digest, each with its names: containerd's annotation, the specification's where it is a
 * whole reference and not just a tag, and those of a `manifest.json` beside it for the same config.
 */
export async function layoutImages(archive: Archive, content: ContentStore, options: CallOptions): Promise<readonly ArchivedImage[]> {
  const bytes = await archive.text(archive.find('index.json'), 'archive\'s "index.json"', options)
  const index = readManifest(bytes ?? Buffer.alloc(0), mediaTypes.ociIndex, { what: 'archive\'s "index.json"', code })
  if (index.kind !== 'index') throw new EngineError(code, 'archive\'s "index.json" is no index')
  const tree = new Tree(archive, content, options)
  const images = new Map<Digest, { readonly target: Descriptor; readonly names: Set<string> }>()
  for (const entry of index.manifests) {
    if (entry.annotations?.['vnd.docker.reference.type'] !== undefined) continue
    if (!(await tree.store(entry, 0)))
      throw new EngineError(code, `archive lacks image "${entry.digest}" that its index names, or a part of it`)
    const image = images.get(entry.digest) ?? { target: plainDescriptor(entry), names: new Set() }
    images.set(entry.digest, image)
    const { 'io.containerd.image.name': whole, 'org.opencontainers.image.ref.name': reference } = entry.annotations ?? {}
    if (whole !== undefined) image.names.add(parseTag(whole))
    else if (reference !== undefined && /[/:]/.test(reference)) image.names.add(parseTag(reference))
  }
  for (const { config, names } of (await dockerEntries(archive, options)) ?? []) {
    const digest = archive.find(config)?.digest
    const root = digest === undefined ? undefined : tree.rootOf(digest)
    for (const name of names) if (root !== undefined) images.get(root)?.names.add(name)
  }
  return [...images.values()].map(({ target, names }) => ({ target, names: [...names] }))
}

/** Manifests and configs into the store with what they refer to; layers are there already, or small and come now. */
class Tree {
  readonly #archive: Archive
  readonly #content: ContentStore
  readonly #options: CallOptions
  readonly #stored = new Map<Digest, Promise<boolean>>()
  readonly #roots = new Map<Digest, Digest>()

  constructor(archive: Archive, content: ContentStore, options: CallOptions) {
    this.#archive = archive
    this.#content = content
    this.#options = options
  }
  /** The entry of `index.json` below which this config is. */
  rootOf(config: Digest): Digest | undefined {
    return this.#roots.get(config)
  }

  /** False when it is not whole: of an index one image must be, others may be elsewhere. */
  store(descriptor: Descriptor, depth: number, root: Digest = descriptor.digest): Promise<boolean> {
    const known = this.#stored.get(descriptor.digest)
    if (known !== undefined) return known
    const storing = this.#store(descriptor, depth, root)
    this.#stored.set(descriptor.digest, storing)
    return storing
  }
  async #store({ mediaType, digest, size }: Descriptor, depth: number, root: Digest): Promise<boolean> {
    const what = `archive's manifest "${digest}"`
    const bytes = await this.#archive.text(this.#archive.blob(digest), what, this.#options)
    if (bytes === undefined) return false
    if (bytes.length !== size) throw new EngineError('data_loss', `${what} has ${bytes.length} bytes, its index says ${size}`)
    const document = readManifest(bytes, mediaType, { what, code })
    const references =
      document.kind === 'manifest'
        ? await this.#storeImage(document, digest, root)
        : depth < maxNesting
          ? await this.#storeAll(document.manifests, depth, root)
          : undefined
    if (references === undefined) return false
    await this.#content.write({ mediaType: document.mediaType, digest, size }, oneChunk(bytes), { ...this.#options, references })
    return true
  }
  async #storeAll(entries: readonly Descriptor[], depth: number, root: Digest): Promise<readonly ContentReference[] | undefined> {
    let whole = 0
    for (const entry of entries) {
      const isImage = entry.annotations?.['vnd.docker.reference.type'] === undefined
      if (isImage && (await this.store(entry, depth + 1, root))) whole++
    }
    return whole === 0 ? undefined : entries.map(({ digest }) => ({ kind: 'manifest', digest }))
  }
  async #storeImage(manifest: Manifest, digest: Digest, root: Digest): Promise<readonly ContentReference[] | undefined> {
    checkRunnable(manifest, digest)
    const parts: ContentReference[] = []
    for (const part of [manifest.config, ...manifest.layers]) {
      const file = this.#archive.blob(part.digest)
      if (file === undefined) return undefined
      if (file.size !== part.size)
        throw new EngineError('data_loss', `archive's blob "${part.digest}" has ${file.size} bytes, its manifest says ${part.size}`)
      await this.#archive.store(file, part.mediaType, this.#options)
      parts.push({ kind: part === manifest.config ? 'config' : 'layer', digest: part.digest })
    }
    this.#roots.set(manifest.config.digest, root)
    return parts
  }
}
