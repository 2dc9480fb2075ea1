// Manifests and indexes as registries and archives give them: bytes of a stranger, checked once, here.
import { setImmediate as turn } from 'node:timers/promises'
import * as z from 'zod/mini'
import type { Descriptor, Digest, Labels } from '../model/common.js'
import type { ErrorCode } from '../errors.js'
import { EngineError } from '../errors.js'
import { once } from '../util/once.js'
import { isDigest } from './digest.js'
import { isIndexType, isManifestType, mediaTypes } from './media-types.js'
import type { PlatformDescriptor } from './platform.js'

/** Of one manifest or index. What registries agree to take, too. */
export const MAX_MANIFEST_BYTES: number = 4 << 20
/** Of one image config. */
export const MAX_CONFIG_BYTES: number = 8 << 20
const MAX_LAYERS = 512
const MAX_INDEX_ENTRIES = 2_048

export interface LayerDescriptor extends Descriptor {
  /** Where a foreign layer is fetched from. */
  readonly urls?: readonly string[] | undefined
}
export interface Manifest {
  readonly kind: 'manifest'
  readonly mediaType: string
  readonly config: Descriptor
  /** The lowest first. */
  readonly layers: readonly LayerDescriptor[]
  readonly annotations: Labels
  /** Not an image's: a chart, a signature, an attestation. */
  readonly artifactType?: string | undefined
}
export interface ImageIndex {
  readonly kind: 'index'
  readonly mediaType: string
  readonly manifests: readonly PlatformDescriptor[]
  readonly annotations: Labels
}

export interface ReadDocumentOptions {
  /** For messages, e.g. `manifest "sha256:…"`. */
  readonly what: string
  /** Of what is malformed. Default `data_loss`: a registry or store lied. An archive that a user gave is `invalid_argument`. */
  readonly code?: ErrorCode | undefined
}

/** Go writes `null` for an empty list or map. */
const nullish = <T extends z.ZodMiniType>(type: T): z.ZodMiniOptional<z.ZodMiniNullable<T>> => z.optional(z.nullable(type))
const annotations = once(() => nullish(z.record(z.string(), z.string())))
const descriptor = once(() => ({
  mediaType: z.optional(z.string().check(z.maxLength(255))),
  digest: z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'is not a digest'),
  size: z.number().check(z.int(), z.gte(0)),
  urls: nullish(z.array(z.string()).check(z.maxLength(64))),
  annotations: annotations(),
}))
const common = once(() => ({ schemaVersion: z.literal(2), mediaType: z.optional(z.string()), annotations: annotations() }))
const manifestShape = once(() =>
  z.object({
    ...common(),
    artifactType: z.optional(z.string()),
    config: z.object(descriptor()),
    layers: nullish(z.array(z.object(descriptor())).check(z.maxLength(MAX_LAYERS))),
  }),
)
const indexShape = once(() => {
  const word = z.string().check(z.maxLength(64))
  const platform = z.object({ os: word, architecture: word, variant: nullish(word) })
  return z.object({
    ...common(),
    manifests: nullish(z.array(z.object({ ...descriptor(), platform: nullish(platform) })).check(z.maxLength(MAX_INDEX_ENTRIES))),
  })
})

/** Makes what manifests are checked against, in turns of its own: the first time that takes a process milliseconds. */
export const readyForManifests: () => Promise<void> = once(async () => {
  for (const make of [descriptor, manifestShape]) {
    await turn()
    make()
  }
  await turn()
})

/**
 * Reads a manifest or an index. The type comes from the document; `declared`, as a descriptor or a header says, serves where
 * it has none, and must not contradict it: one is never taken for the other.
 */
export function readManifest(bytes: Uint8Array, declared: string | undefined, options: ReadDocumentOptions): Manifest | ImageIndex {
  const json = readJson(bytes, MAX_MANIFEST_BYTES, options)
  const fail = (why: string): never => {
    throw new EngineError(options.code ?? 'data_loss', `${options.what} ${why}`)
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return fail('is not a JSON object')
  const fields = json as { readonly mediaType?: unknown; readonly schemaVersion?: unknown }
  if (fields.schemaVersion === 1) return fail('is of the old schema 1, which is not supported')
  const inside = typeof fields.mediaType === 'string' ? fields.mediaType : undefined
  const looksLikeIndex = Object.hasOwn(json, 'manifests')
  if (looksLikeIndex && (Object.hasOwn(json, 'layers') || Object.hasOwn(json, 'config'))) return fail('is a manifest and an index at once')
  for (const type of [inside, declared]) {
    if (type !== undefined && (looksLikeIndex ? isManifestType(type) : isIndexType(type)))
      return fail(`is not what its type "${type}" says`)
  }
  const known = [inside, declared].find((type) => type !== undefined && (isIndexType(type) || isManifestType(type)))
  return looksLikeIndex
    ? toIndex(checkDocument(indexShape(), json, options), known ?? mediaTypes.ociIndex)
    : toManifest(checkDocument(manifestShape(), json, options), known ?? mediaTypes.ociManifest, fail)
}

/** Parses JSON within a size. */
export function readJson(bytes: Uint8Array, limit: number, options: ReadDocumentOptions): unknown {
  const code = options.code ?? 'data_loss'
  if (bytes.byteLength > limit) throw new EngineError(code, `${options.what} is larger than ${limit} bytes`)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new EngineError(code, `${options.what} is not JSON`, { cause })
  }
}

/** The document as the schema has it; the message names the first path that is wrong. */
export function checkDocument<T>(schema: z.ZodMiniType<T>, json: unknown, options: ReadDocumentOptions): T {
  const result = z.safeParse(schema, json)
  if (result.success) return result.data
  const path = result.error.issues[0]?.path.map(String).join('.')
  throw new EngineError(options.code ?? 'data_loss', `${options.what} is malformed at "${path}"`, { cause: result.error })
}

type RawDescriptor = z.output<ReturnType<typeof manifestShape>>['config']

function toManifest(raw: z.output<ReturnType<typeof manifestShape>>, mediaType: string, fail: (why: string) => never): Manifest {
  const layers = (raw.layers ?? []).map((layer) => toDescriptor(layer, fail))
  const total = layers.reduce((sum, layer) => sum + layer.size, 0)
  if (!Number.isSafeInteger(total)) return fail('has layers of an absurd size')
  const config = toDescriptor(raw.config, fail)
  if (config.size > MAX_CONFIG_BYTES) return fail(`has a config of more than ${MAX_CONFIG_BYTES} bytes`)
  const manifest: Manifest = { kind: 'manifest', mediaType, config, layers, annotations: raw.annotations ?? {} }
  return raw.artifactType === undefined ? manifest : { ...manifest, artifactType: raw.artifactType }
}

function toIndex(raw: z.output<ReturnType<typeof indexShape>>, mediaType: string): ImageIndex {
  const manifests = (raw.manifests ?? []).map((entry): PlatformDescriptor => {
    const { os, architecture, variant } = entry.platform ?? {}
    const descriptor = toDescriptor({ ...entry, mediaType: entry.mediaType ?? mediaTypes.ociManifest })
    if (os === undefined || architecture === undefined) return descriptor
    return { ...descriptor, platform: variant ? { os, architecture, variant } : { os, architecture } }
  })
  return { kind: 'index', mediaType, manifests, annotations: raw.annotations ?? {} }
}

function toDescriptor(raw: RawDescriptor, fail?: (why: string) => never): LayerDescriptor {
  const { mediaType = '', digest, size, urls, annotations } = raw
  if (mediaType === '') fail?.('has a descriptor without a type')
  return {
    mediaType,
    digest,
    size,
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
    ...(urls && urls.length > 0 ? { urls } : {}),
  }
}
