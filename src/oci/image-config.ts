// The config of an image: what it runs, and which layers it is made of.
import * as z from 'zod/mini'
import type { Digest } from '../model/common.js'
import type { ImageConfig } from '../model/image.js'
import { EngineError } from '../errors.js'
import { once } from '../util/once.js'
import { isDigest } from './digest.js'
import { MAX_CONFIG_BYTES, checkDocument, readJson, type Manifest, type ReadDocumentOptions } from './manifest.js'
import { normalizePlatform, type Platform } from './platform.js'

/** One step of a build. */
export interface HistoryStep {
  readonly createdAt?: Date | undefined
  readonly createdBy: string
  readonly comment?: string | undefined
  /** The step made no layer. */
  readonly emptyLayer: boolean
}
/** A whole config document. */
export interface ImageDocument {
  readonly platform: Platform
  readonly createdAt?: Date | undefined
  readonly author?: string | undefined
  readonly config: ImageConfig
  /** Digests of the layers as plain tars, the lowest first. */
  readonly diffIds: readonly Digest[]
  readonly history: readonly HistoryStep[]
}

const schema = once(() => {
  const nullish = <T extends z.ZodMiniType>(type: T): z.ZodMiniOptional<z.ZodMiniNullable<T>> => z.optional(z.nullable(type))
  const text = nullish(z.string())
  const list = nullish(z.array(z.string()))
  // Docker wrote a single string where a list belongs, long ago.
  const command = nullish(z.union([z.array(z.string()), z.string()]))
  const set = nullish(z.record(z.string(), z.unknown()))
  return z.object({
    os: text,
    architecture: text,
    variant: text,
    created: text,
    author: text,
    config: nullish(
      z.object({
        Entrypoint: command,
        Cmd: command,
        Env: list,
        WorkingDir: text,
        User: text,
        StopSignal: text,
        Labels: nullish(z.record(z.string(), z.string())),
        ExposedPorts: set,
        Volumes: set,
      }),
    ),
    rootfs: z.object({ type: text, diff_ids: nullish(z.array(z.custom<Digest>((value) => typeof value === 'string' && isDigest(value)))) }),
    history: nullish(z.array(z.object({ created: text, created_by: text, comment: text, empty_layer: nullish(z.boolean()) }))),
  })
})

export function readImageConfig(bytes: Uint8Array, options: ReadDocumentOptions): ImageDocument {
  const raw = checkDocument(schema(), readJson(bytes, MAX_CONFIG_BYTES, options), options)
  const created = toDate(raw.created)
  return {
    platform: normalizePlatform({ os: raw.os || 'linux', architecture: raw.architecture || 'unknown', variant: raw.variant || undefined }),
    ...(created === undefined ? {} : { createdAt: created }),
    ...(raw.author ? { author: raw.author } : {}),
    config: toImageConfig(raw.config ?? {}),
    diffIds: raw.rootfs.diff_ids ?? [],
    history: (raw.history ?? []).map((step) => ({
      createdAt: toDate(step.created),
      createdBy: step.created_by ?? '',
      comment: step.comment || undefined,
      emptyLayer: step.empty_layer ?? false,
    })),
  }
}

/** Each layer with its diff id, the lowest first. A config that counts other layers than the manifest is `data_loss`. */
export function pairLayers(
  manifest: Pick<Manifest, 'layers'>,
  document: Pick<ImageDocument, 'diffIds'>,
  options: ReadDocumentOptions,
): readonly { readonly layer: Manifest['layers'][number]; readonly diffId: Digest }[] {
  const { layers } = manifest
  const { diffIds } = document
  if (layers.length !== diffIds.length) {
    throw new EngineError(options.code ?? 'data_loss', `${options.what} has ${layers.length} layers, its config ${diffIds.length}`)
  }
  return layers.map((layer, index) => ({ layer, diffId: diffIds[index] as Digest }))
}

/** The document as it is stored; equal input gives equal bytes. */
export function writeImageConfig(document: ImageDocument): Uint8Array {
  const { platform, createdAt, author, config, diffIds, history } = document
  return new TextEncoder().encode(
    JSON.stringify({
      created: createdAt?.toISOString(),
      author,
      architecture: platform.architecture,
      variant: platform.variant,
      os: platform.os,
      config: fromImageConfig(config),
      rootfs: { type: 'layers', diff_ids: diffIds },
      history: history.map((step) => ({
        created: step.createdAt?.toISOString(),
        created_by: step.createdBy,
        comment: step.comment,
        empty_layer: step.emptyLayer || undefined,
      })),
    }),
  )
}

export interface RawConfig {
  readonly Entrypoint?: readonly string[] | string | null | undefined
  readonly Cmd?: readonly string[] | string | null | undefined
  readonly Env?: readonly string[] | null | undefined
  readonly WorkingDir?: string | null | undefined
  readonly User?: string | null | undefined
  readonly StopSignal?: string | null | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly ExposedPorts?: Readonly<Record<string, unknown>> | null | undefined
  readonly Volumes?: Readonly<Record<string, unknown>> | null | undefined
}

/** What is absent or empty there is absent here. */
export function toImageConfig(raw: RawConfig): ImageConfig {
  const config: { -readonly [K in keyof ImageConfig]: ImageConfig[K] } = {}
  const entrypoint = toList(raw.Entrypoint)
  const command = toList(raw.Cmd)
  if (entrypoint.length > 0) config.entrypoint = entrypoint
  if (command.length > 0) config.command = command
  if (raw.Env && raw.Env.length > 0) config.env = parseEnv(raw.Env)
  if (raw.WorkingDir) config.workingDir = raw.WorkingDir
  if (raw.User) config.user = raw.User
  if (raw.StopSignal) config.stopSignal = raw.StopSignal
  if (raw.Labels && Object.keys(raw.Labels).length > 0) config.labels = raw.Labels
  if (raw.ExposedPorts && Object.keys(raw.ExposedPorts).length > 0) config.exposedPorts = Object.keys(raw.ExposedPorts)
  if (raw.Volumes && Object.keys(raw.Volumes).length > 0) config.volumes = Object.keys(raw.Volumes)
  return config
}

function fromImageConfig(config: ImageConfig): RawConfig {
  const set = (names: readonly string[] | undefined): Record<string, object> | undefined =>
    names && Object.fromEntries(names.map((name) => [name, {}]))
  return {
    User: config.user,
    ExposedPorts: set(config.exposedPorts),
    Env: config.env && Object.entries(config.env).map(([name, value]) => `${name}=${value}`),
    Entrypoint: config.entrypoint,
    Cmd: config.command,
    Volumes: set(config.volumes),
    WorkingDir: config.workingDir,
    Labels: config.labels,
    StopSignal: config.stopSignal,
  }
}

/** `NAME=value` each; the last of a name wins, and what has no name or no `=` is left out. */
export function parseEnv(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.flatMap((line): [string, string][] => {
      const at = line.indexOf('=')
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : []
    }),
  )
}

function toList(value: readonly string[] | string | null | undefined): readonly string[] {
  return typeof value === 'string' ? [value] : (value ?? [])
}

function toDate(text: string | null | undefined): Date | undefined {
  const date = new Date(text ?? Number.NaN)
  return Number.isNaN(date.getTime()) ? undefined : date
}
