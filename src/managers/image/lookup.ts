// From what a user calls an image to what is stored of it.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions, Descriptor, Digest } from '../../model/common.js'
import type { ImageConfig } from '../../model/image.js'
import { type HistoryStep, type ImageDocument, pairLayers } from '../../oci/image-config.js'
import type { LayerDescriptor, Manifest } from '../../oci/manifest.js'
import { choosePlatform, formatPlatform, matchesPlatform, type Platform, parsePlatform } from '../../oci/platform.js'
import { canonicalName, parseReference, repositoryName } from '../../oci/reference.js'
import type { ContentStore } from '../../ports/engine/content.js'
import type { ImageRecord } from '../../ports/engine/storage.js'
import type { ImageContext } from './context.js'
import { visibleName } from './naming.js'
import { noPlatform } from './select.js'
import { chainIds, unpackImage } from './unpack.js'

export interface LocalImage {
  /** The digest of the config. */
  readonly id: Digest
  /** Absent for one without a name. */
  readonly name?: string | undefined
  /** What the name points at: `manifest`, or an index that lists it. */
  readonly target: Descriptor
  readonly manifest: Descriptor
  readonly configDescriptor: Descriptor
  readonly platform: Platform
  readonly config: ImageConfig
  readonly history: readonly HistoryStep[]
  readonly createdAt?: Date | undefined
  readonly layers: readonly { readonly layer: LayerDescriptor; readonly diffId: Digest }[]
  /** The snapshot that holds all layers, once they are unpacked; absent for an image without layers. */
  readonly chainId?: Digest | undefined
}
export interface LookupOptions extends CallOptions {
  /** `os/arch[/variant]`. Default: this machine's, else what is there. */
  readonly platform?: string | undefined
}
type Context = Pick<ImageContext, 'storage' | 'documents' | 'platform'>

const idPattern = /^(?:sha256:)?[0-9a-f]{4,64}$/
const maxNesting = 4

/**
 * `ref` is a name with tag or digest, an id or digest, or an unambiguous beginning of one; names go first. `not_found` when
 * there is none. A name that was asked for before costs one call of the image store.
 */
export async function lookupImage(context: Context, ref: string, options: LookupOptions = {}): Promise<LocalImage> {
  const { signal } = options
  const asked = options.platform === undefined ? undefined : parsePlatform(options.platform)
  const record = await findByName(context, ref, { signal })
  if (record !== undefined) {
    const local = await resolveTarget(context, context.storage.content, record.target, asked, { signal })
    if (local !== undefined) return { ...local, name: visibleName(record.name) }
    if (asked === undefined) throw new EngineError('not_found', `image "${ref}" has a name here but no content: pull it again`)
    throw noPlatform(ref, asked, await presentPlatforms(context, record.target, { signal }))
  }
  return lookupById(context, ref, asked, { signal })
}

/** All images by record; one that goes away meanwhile, or of which nothing is here, is left out. */
export async function* localImages(
  context: Context,
  options: CallOptions = {},
): AsyncGenerator<{ readonly record: ImageRecord; readonly local: LocalImage }> {
  for await (const record of context.storage.images.list(options)) {
    const local = await resolveTarget(context, context.storage.content, record.target, undefined, options).catch((error: unknown) => {
      // Somebody else's in a shared store may be anything: a chart, a signature.
      if (isEngineError(error, 'data_loss') || isEngineError(error, 'unsupported')) return undefined
      throw error
    })
    if (local !== undefined) yield { record, local: { ...local, name: visibleName(record.name) } }
  }
}

/** The image that `target` means, as far as it is here; `undefined` when it is not. */
export async function resolveTarget(
  context: Pick<Context, 'documents' | 'platform'>,
  content: Pick<ContentStore, 'read'>,
  target: Descriptor,
  asked: Platform | undefined,
  options: CallOptions = {},
): Promise<LocalImage | undefined> {
  for await (const { manifest, descriptor } of manifestsOf(
    context,
    content,
    target,
    asked ?? context.platform,
    asked === undefined,
    0,
    options,
  )) {
    const document = await context.documents.findConfig(content, manifest.config, options)
    if (document === undefined || (asked !== undefined && !matchesPlatform(document.platform, asked))) continue
    return toLocal(target, descriptor, manifest, document)
  }
  return undefined
}

/** Unpacks what another client has only fetched. Resolves with the chain id; one call when it is unpacked already. */
export async function ensureUnpacked(context: ImageContext, image: LocalImage, options: CallOptions = {}): Promise<Digest | undefined> {
  if (image.chainId === undefined) return undefined
  if ((await context.storage.snapshotter().find(image.chainId, options)) !== undefined) return image.chainId
  await using storage = await context.storage.hold(options)
  try {
    return await unpackImage(context, storage, image.id, image.layers, options)
  } catch (error) {
    if (!isEngineError(error, 'not_found')) throw error
    throw new EngineError('not_found', `image "${image.name ?? image.id}" lacks layers here: pull it again`, { cause: error })
  }
}

/** The record that `ref` names; `undefined` for an id. */
export async function findByName(
  { storage }: Pick<Context, 'storage'>,
  ref: string,
  options: CallOptions,
): Promise<ImageRecord | undefined> {
  const reference = tryParse(ref)
  const found = reference === undefined ? undefined : await storage.images.find(canonicalName(reference), options)
  if (found !== undefined) return found
  // Other clients of a shared store need not normalise names.
  const literal = ref === '' || idPattern.test(ref) ? undefined : await storage.images.find(ref, options)
  if (literal !== undefined || reference?.digest === undefined) return literal
  const prefix = repositoryName(reference)
  for await (const record of storage.images.list(options)) {
    if (record.target.digest === reference.digest && (record.name.startsWith(`${prefix}:`) || record.name.startsWith(`${prefix}@`)))
      return record
  }
  return undefined
}

async function lookupById(context: Context, ref: string, asked: Platform | undefined, options: CallOptions): Promise<LocalImage> {
  const missing = (): EngineError => new EngineError('not_found', `no image "${ref}"`, { subject: { kind: 'image', id: ref } })
  if (!idPattern.test(ref)) {
    parseReference(ref)
    throw missing()
  }
  const begins = `sha256:${ref.replace(/^sha256:/, '')}`
  const found = new Map<Digest, LocalImage>()
  for await (const { local } of localImages(context, options)) {
    const digests = [local.id, local.manifest.digest, local.target.digest]
    if (digests.some((digest) => digest.startsWith(begins)) && (asked === undefined || matchesPlatform(local.platform, asked)))
      found.set(local.id, local)
  }
  const [first, ...others] = found.values()
  if (first === undefined) throw missing()
  if (others.length > 0) throw new EngineError('invalid_argument', `image "${ref}" is ambiguous: it begins ${found.size} ids`)
  return first
}

/** Those that are here, best first; with `any`, at last those for other platforms. */
async function* manifestsOf(
  context: Pick<Context, 'documents'>,
  content: Pick<ContentStore, 'read'>,
  descriptor: Descriptor,
  wanted: Platform,
  any: boolean,
  depth: number,
  options: CallOptions,
): AsyncGenerator<{ readonly manifest: Manifest; readonly descriptor: Descriptor }> {
  const document = await context.documents.findManifest(content, descriptor, options)
  if (document === undefined) return
  if (document.kind === 'manifest') {
    yield { manifest: document, descriptor }
    return
  }
  if (depth >= maxNesting) return
  const best = choosePlatform(document.manifests, wanted)
  const rest = any ? document.manifests.filter((entry) => !best.includes(entry) && entry.platform?.architecture !== 'unknown') : []
  for (const entry of [...best, ...rest]) {
    const { mediaType, digest, size } = entry
    yield* manifestsOf(context, content, { mediaType, digest, size }, wanted, any, depth + 1, options)
  }
}

async function presentPlatforms(context: Context, target: Descriptor, options: CallOptions): Promise<readonly Platform[]> {
  const { content } = context.storage
  const present = new Map<string, Platform>()
  for await (const { manifest } of manifestsOf(context, content, target, context.platform, true, 0, options)) {
    const document = await context.documents.findConfig(content, manifest.config, options)
    if (document !== undefined) present.set(formatPlatform(document.platform), document.platform)
  }
  return [...present.values()]
}

function toLocal(target: Descriptor, descriptor: Descriptor, manifest: Manifest, document: ImageDocument): LocalImage {
  const layers = pairLayers(manifest, document, { what: `image "${descriptor.digest}"` })
  return {
    id: manifest.config.digest,
    target,
    manifest: descriptor,
    configDescriptor: manifest.config,
    platform: document.platform,
    config: document.config,
    history: document.history,
    createdAt: document.createdAt,
    layers,
    chainId: chainIds(document.diffIds).at(-1),
  }
}
function tryParse(text: string): ReturnType<typeof parseReference> | undefined {
  try {
    return parseReference(text)
  } catch (error) {
    if (isEngineError(error, 'invalid_argument')) return undefined
    throw error
  }
}
