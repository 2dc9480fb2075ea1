// size: schema
// Images as Docker, Podman and pouchd tell them.
import * as z from 'zod/mini'
import type { Descriptor, Digest } from '../../../model/common.js'
import type { ImageHistoryEntry, ImageInfo } from '../../../model/image.js'
import { isDigest } from '../../../oci/digest.js'
import { type RawConfig, toImageConfig } from '../../../oci/image-config.js'
import { formatPlatform, normalizePlatform } from '../../../oci/platform.js'
import { canonicalName, parseReference } from '../../../oci/reference.js'
import { nullish, textMap, texts, toDate, toTime } from './values.js'

export interface ImageAnswer {
  readonly Id: string
  readonly RepoTags?: readonly string[] | null | undefined
  readonly RepoDigests?: readonly string[] | null | undefined
  readonly Created?: string | number | null | undefined
  /** pouchd's name of it. */
  readonly CreatedAt?: string | null | undefined
  readonly Size?: number | null | undefined
  readonly Os?: string | null | undefined
  readonly Architecture?: string | null | undefined
  readonly Variant?: string | null | undefined
  readonly Config?: RawConfig | null | undefined
  readonly RootFS?: { readonly Layers?: readonly string[] | null | undefined } | null | undefined
  readonly Descriptor?: { readonly mediaType: string; readonly digest: string; readonly size: number } | null | undefined
}
const command = nullish(z.union([z.array(z.string()), z.string()]))
const set = nullish(z.record(z.string(), z.unknown()))
export const imageAnswer: z.ZodMiniType<ImageAnswer> = z.object({
  Id: z.string(),
  RepoTags: texts,
  RepoDigests: texts,
  Created: nullish(z.union([z.string(), z.number()])),
  CreatedAt: nullish(z.string()),
  Size: nullish(z.number()),
  Os: nullish(z.string()),
  Architecture: nullish(z.string()),
  Variant: nullish(z.string()),
  Config: nullish(
    z.object({
      Entrypoint: command,
      Cmd: command,
      Env: texts,
      WorkingDir: nullish(z.string()),
      User: nullish(z.string()),
      StopSignal: nullish(z.string()),
      Labels: textMap,
      ExposedPorts: set,
      Volumes: set,
    }),
  ),
  RootFS: nullish(z.object({ Layers: texts })),
  Descriptor: nullish(z.object({ mediaType: z.string(), digest: z.string(), size: z.number() })),
})
/** Of a list. Podman lists an image once for each of its names. */
export const imageList: z.ZodMiniType<readonly Pick<ImageAnswer, 'Id' | 'RepoTags' | 'RepoDigests'>[] | null> = z.nullable(
  z.array(z.object({ Id: z.string(), RepoTags: texts, RepoDigests: texts })),
)

export function toImageInfo(answer: ImageAnswer, usedBy: readonly string[], hub?: string): ImageInfo {
  const { Created, CreatedAt, Size, Os, Architecture, Variant, Config, RootFS, Descriptor } = answer
  return {
    id: toImageId(answer.Id),
    names: toImageNames(answer, hub),
    target: Descriptor && isDigest(Descriptor.digest) ? toDescriptor(Descriptor, Descriptor.digest) : undefined,
    platform: formatPlatform(
      normalizePlatform({ os: Os || 'linux', architecture: Architecture || 'unknown', ...(Variant ? { variant: Variant } : {}) }),
    ),
    createdAt: typeof Created === 'number' ? toTime(Created) : toDate(Created ?? CreatedAt),
    sizeBytes: Size ?? 0,
    layers: (RootFS?.Layers ?? []).filter(isDigest),
    config: toImageConfig(Config ?? {}),
    usedBy,
  }
}
function toDescriptor({ mediaType, size }: { readonly mediaType: string; readonly size: number }, digest: Digest): Descriptor {
  return { mediaType, digest, size }
}

/** Podman leaves the algorithm out in places, pouchd shortens in others: what is whole gets it, what is not stays as it is. */
export function toImageId(id: string): Digest {
  return (/^[0-9a-f]+$/.test(id) ? `sha256:${id}` : id) as Digest
}

/**
 * Whole references. A digest counts as a name only where the repository has no tag: Docker keeps the one that was pulled beside each tag, and
 * forgets it with the last.
 */
function imageNames({ RepoTags, RepoDigests }: Pick<ImageAnswer, 'RepoTags' | 'RepoDigests'>): readonly string[] {
  const tags = (RepoTags ?? []).flatMap(toName)
  const tagged = new Set(tags.map(repositoryOf))
  return [...new Set([...tags, ...(RepoDigests ?? []).flatMap(toName).filter((name) => !tagged.has(repositoryOf(name)))])]
}
/** `hub`: what Docker Hub is called by the daemon. */
export function toImageNames(answer: Pick<ImageAnswer, 'RepoTags' | 'RepoDigests'>, hub?: string): readonly string[] {
  return imageNames(answer).map((name) => (hub !== undefined && name.startsWith(`${hub}/`) ? `docker.io${name.slice(hub.length)}` : name))
}
function toName(text: string): readonly string[] {
  if (text.startsWith('<none>')) return []
  try {
    return [canonicalName(parseReference(text))]
  } catch {
    return [text]
  }
}
function repositoryOf(name: string): string {
  const [named = ''] = name.split('@')
  return named.replace(/:[^/:]*$/, '')
}

interface HistoryAnswer {
  readonly Created?: number | null | undefined
  readonly CreatedBy?: string | null | undefined
  readonly Comment?: string | null | undefined
  readonly Size?: number | null | undefined
  readonly EmptyLayer?: boolean | null | undefined
}
export const historyAnswer: z.ZodMiniType<readonly HistoryAnswer[] | null> = z.nullable(
  z.array(
    z.object({
      Created: nullish(z.number()),
      CreatedBy: nullish(z.string()),
      Comment: nullish(z.string()),
      Size: nullish(z.number()),
      EmptyLayer: nullish(z.boolean()),
    }),
  ),
)

/** Docker does not tell which step made a layer: those with a size did, if that is as many as there are layers; else none is named. */
export function toHistory(steps: readonly HistoryAnswer[], layers: readonly Digest[]): readonly ImageHistoryEntry[] {
  const made = steps.filter(({ EmptyLayer, Size }) => (EmptyLayer ?? (Size ?? 0) === 0) === false)
  const known = made.length === layers.length ? new Map(made.map((step, at) => [step, layers[layers.length - 1 - at]])) : undefined
  return steps.map((step) => ({
    createdAt: toTime(step.Created),
    createdBy: step.CreatedBy ?? '',
    comment: step.Comment || undefined,
    layer: known?.get(step),
    sizeBytes: step.Size ?? undefined,
  }))
}
