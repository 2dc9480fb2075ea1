// From a registry to an unpacked image with a name.
import { EngineError } from '../../errors.js'
import type { Descriptor } from '../../model/common.js'
import { type ImageDocument, pairLayers, readImageConfig } from '../../oci/image-config.js'
import { type Manifest, MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES, readManifest, readyForManifests } from '../../oci/manifest.js'
import { isForeignLayerType } from '../../oci/media-types.js'
import { parsePlatform, type Platform } from '../../oci/platform.js'
import { canonicalName, type ImageReference, parseReference, repositoryName } from '../../oci/reference.js'
import type { PullOptions } from '../../ports/backend/images.js'
import type { ContentReference } from '../../ports/engine/content.js'
import type { HeldStorage } from '../../ports/engine/storage.js'
import type { RegistryClient } from '../../registry/client.js'
import { raceAbort } from '../../util/abort.js'
import type { ImageContext } from './context.js'
import { readBlob } from './documents.js'
import { blobBytes, fetchBlob } from './fetch.js'
import { putName } from './names.js'
import { reporter, type Report } from './progress.js'
import { checkPlatform, checkRunnable, plainDescriptor, selectEntry } from './select.js'
import { together } from './together.js'
import { type LayerStream, unpackImage } from './unpack.js'

/** What one pull works with. */
interface Pull {
  readonly context: ImageContext
  readonly storage: HeldStorage
  readonly registry: RegistryClient
  readonly reference: ImageReference
  readonly name: string
  /** By name, not this machine's. */
  readonly asked: Platform | undefined
  readonly report: Report
  readonly signal: AbortSignal | undefined
}
const maxNesting = 4

/** Resolves with the name under which it is here now. */
export async function pullImage(context: ImageContext, text: string, options: PullOptions = {}): Promise<string> {
  const { signal, platform, auth } = options
  const reference = parseReference(text)
  const asked = platform === undefined ? undefined : parsePlatform(platform)
  if (auth !== undefined) throw new EngineError('unsupported', 'pulling with "auth" is not supported yet: only anonymous pulls are')
  const name = canonicalName(reference)
  const report = reporter(options.onProgress)
  report({ phase: 'resolve', doneBytes: 0 })
  const registry = await context.registry()
  const { descriptor, bytes } = await registry.resolve(reference, { signal })
  await using storage = await context.storage.hold({ signal })
  const pull: Pull = { context, storage, registry, reference, name, asked, report, signal }
  const manifest = await fetchManifest(pull, descriptor, bytes)
  const totalBytes = await fetchLayers(pull, manifest)
  await putName(context, storage, name, plainDescriptor(descriptor), { signal })
  report({ phase: 'done', doneBytes: totalBytes, totalBytes })
  return name
}

/** Indexes down to the image for the platform, each kept with what it refers to. */
async function fetchManifest(pull: Pull, root: Descriptor, rootBytes: Uint8Array | undefined): Promise<Manifest> {
  const { context, name, asked } = pull
  let descriptor = root
  let bytes = rootBytes
  for (let depth = 0; depth < maxNesting; depth++) {
    bytes ??= await manifestBytes(pull, descriptor)
    await readyForManifests()
    const document = readManifest(bytes, descriptor.mediaType, { what: `manifest "${descriptor.digest}" of "${name}"` })
    const references: readonly ContentReference[] =
      document.kind === 'index'
        ? document.manifests.map(({ digest }) => ({ kind: 'manifest', digest }))
        : [{ kind: 'config', digest: document.config.digest }, ...document.layers.map(({ digest }) => ({ kind: 'layer' as const, digest }))]
    // Also when it is there: whoever wrote it may have died before it had its references.
    await pull.storage.content.write(descriptor, once(bytes), { references, source: repositoryName(pull.reference), signal: pull.signal })
    if (document.kind === 'manifest') return document
    descriptor = selectEntry(document, asked ?? context.platform, name)
    bytes = undefined
  }
  throw new EngineError('data_loss', `image "${name}" is an index of indexes, more than ${maxNesting} deep`)
}

async function manifestBytes({ storage, registry, reference, signal }: Pull, descriptor: Descriptor): Promise<Uint8Array> {
  const here = await storage.content.find(descriptor.digest, { signal })
  return here === undefined
    ? registry.manifest(reference, descriptor, { signal })
    : readBlob(storage.content, descriptor.digest, MAX_MANIFEST_BYTES, { signal })
}

/**
 * Config first, then layers side by side: each unpacked as it comes where the storage can, else in its turn while later ones
 * still come. Resolves with their size.
 */
async function fetchLayers(pull: Pull, manifest: Manifest): Promise<number> {
  const { context, storage, registry, reference: repository, name, report, signal } = pull
  const { content } = storage
  checkRunnable(manifest, name)
  const fetch = (blob: Descriptor, inner: AbortSignal | undefined, to: Report): Promise<void> =>
    fetchBlob({ content, registry, repository, blob, report: to, signal: inner })
  await fetch(manifest.config, signal, () => {})
  const document = await readConfig(pull, manifest)
  const layers = pairLayers(manifest, document, { what: `image "${name}"` })

  const blobs = [...new Map(layers.map(({ layer }) => [layer.digest, layer])).values()]
  const fetchInTurn = (layer: Descriptor, inner: AbortSignal | undefined): Promise<void> =>
    context.transfers.run(() => fetch(layer, inner, report), { signal: inner })
  const config = manifest.config.digest
  if (storage.layers.applyStream !== undefined && storage.snapshotter().parentLater === true) {
    const stream = (layer: Descriptor, inner: AbortSignal | undefined): LayerStream | undefined =>
      isForeignLayerType(layer.mediaType)
        ? undefined
        : { bytes: blobBytes({ registry, repository, blob: layer, report, signal: inner }), source: repositoryName(repository) }
    await unpackImage(context, storage, config, layers, { report, signal, ready: fetchInTurn, stream })
    // Of what was unpacked before the blobs may be missing.
    await together(
      blobs.map((layer) => async (inner) => (await isHere(pull, layer)) || fetchInTurn(layer, inner)),
      signal,
    )
  } else {
    const arrivals = new Map(blobs.map(({ digest }) => [digest, new Arrival()]))
    const arrive = async (layer: Descriptor, inner: AbortSignal): Promise<void> => {
      await fetchInTurn(layer, inner)
      arrivals.get(layer.digest)?.tell()
    }
    const ready = (layer: Descriptor, inner: AbortSignal | undefined): Promise<void> =>
      raceAbort(arrivals.get(layer.digest)?.here ?? Promise.resolve(), inner)
    await together(
      [
        ...blobs.map((layer) => (inner: AbortSignal) => arrive(layer, inner)),
        (inner) => unpackImage(context, storage, config, layers, { report, signal: inner, ready }),
      ],
      signal,
    )
  }
  return blobs.reduce((sum, { size }) => sum + size, 0)
}

async function isHere({ storage, signal }: Pull, { digest }: Descriptor): Promise<boolean> {
  return (await storage.content.find(digest, { signal })) !== undefined
}

async function readConfig({ storage, name, asked, signal }: Pull, { config }: Manifest): Promise<ImageDocument> {
  const bytes = await readBlob(storage.content, config.digest, MAX_CONFIG_BYTES, { signal })
  const document = readImageConfig(bytes, { what: `config "${config.digest}" of "${name}"` })
  checkPlatform(document.platform, asked, name)
  return document
}

class Arrival {
  tell: () => void = () => {}
  readonly here: Promise<void> = new Promise((resolve) => {
    this.tell = resolve
  })
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
