// The archive that `docker save` writes: a list of images, each with a config and layers by path.
import * as z from 'zod/mini'
import { EngineError } from '../../errors.js'
import type { CallOptions, Descriptor } from '../../model/common.js'
import { digestOf } from '../../oci/digest.js'
import { pairLayers, readImageConfig } from '../../oci/image-config.js'
import { checkDocument, readJson } from '../../oci/manifest.js'
import { mediaTypes } from '../../oci/media-types.js'
import type { ContentReference, ContentStore } from '../../ports/engine/content.js'
import { once } from '../../util/once.js'
import { type Archive, type ArchivedImage, oneChunk } from './archive.js'
import { parseTag } from './naming.js'

const code = 'invalid_argument'
const path = z.string().check(z.maxLength(4096))
const schema = once(() =>
  z
    .array(
      z.object({
        Config: path,
        RepoTags: z.optional(z.nullable(z.array(path).check(z.maxLength(1024)))),
        Layers: z.optional(z.nullable(z.array(path).check(z.maxLength(512)))),
      }),
    )
    .check(z.maxLength(1024)),
)

export interface DockerEntry {
  readonly config: string
  readonly names: readonly string[]
  readonly layers: readonly string[]
}

/** The list, or `undefined` when there is none. */
export async function dockerEntries(archive: Archive, options: CallOptions): Promise<readonly DockerEntry[] | undefined> {
  const bytes = await archive.text(archive.find('manifest.json'), 'archive\'s "manifest.json"', options)
  if (bytes === undefined) return undefined
  const what = { what: 'archive\'s "manifest.json"', code } as const
  return checkDocument(schema(), readJson(bytes, bytes.length, what), what).map(({ Config, RepoTags, Layers }) => ({
    config: Config,
    names: [...new Set((RepoTags ?? []).map(parseTag))],
    layers: Layers ?? [],
  }))
}

/** Each gets a manifest; the same archive gives the same one. */
export async function dockerImages(archive: Archive, content: ContentStore, options: CallOptions): Promise<readonly ArchivedImage[]> {
  const images: ArchivedImage[] = []
  for (const entry of (await dockerEntries(archive, options)) ?? []) images.push(await dockerImage(archive, content, entry, options))
  return images
}

async function dockerImage(
  archive: Archive,
  content: ContentStore,
  { config: configPath, names, layers: paths }: DockerEntry,
  options: CallOptions,
): Promise<ArchivedImage> {
  const what = `archive's config "${configPath.slice(0, 200)}"`
  const file = archive.find(configPath)
  const text = await archive.text(file, what, options)
  if (file === undefined || text === undefined) throw new EngineError(code, `${what} is missing`)
  const document = readImageConfig(text, { what, code })
  const layers: Descriptor[] = []
  for (const layerPath of paths) layers.push(await layer(archive, layerPath, options))
  for (const {
    layer: { mediaType, digest },
    diffId,
  } of pairLayers({ layers }, document, { what: `image "${configPath.slice(0, 200)}"`, code })) {
    if (mediaType === mediaTypes.dockerLayer && digest.startsWith('sha256:') && digest !== diffId) {
      throw new EngineError('data_loss', `archive's layer "${digest}" is "${diffId}" to its config`)
    }
  }
  const config = await archive.store(file, mediaTypes.dockerConfig, options)
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.dockerManifest, config, layers }))
  const target = { mediaType: mediaTypes.dockerManifest, digest: digestOf(manifest), size: manifest.length }
  const references: readonly ContentReference[] = [
    { kind: 'config', digest: config.digest },
    ...layers.map(({ digest }) => ({ kind: 'layer' as const, digest })),
  ]
  await content.write(target, oneChunk(manifest), { ...options, references })
  return { target, names }
}

async function layer(archive: Archive, layerPath: string, options: CallOptions): Promise<Descriptor> {
  const file = archive.find(layerPath)
  if (file === undefined) throw new EngineError(code, `archive's layer "${layerPath.slice(0, 200)}" is missing`)
  const types = { none: mediaTypes.dockerLayer, gzip: mediaTypes.dockerLayerGzip, zstd: mediaTypes.ociLayerZstd }
  const { mediaType, digest, size } = await archive.store(file, types[file.compression], options)
  return { mediaType, digest, size }
}
