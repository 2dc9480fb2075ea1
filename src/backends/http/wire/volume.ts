// size: schema
// Volumes as Docker, Podman and pouchd tell them.
import * as z from 'zod/mini'
import type { VolumeInfo } from '../../../model/volume.js'
import type { ContainerUse } from './container-use.js'
import { nullish, textMap, toDate } from './values.js'

export interface VolumeAnswer {
  readonly Name: string
  readonly Driver?: string | null | undefined
  readonly CreatedAt?: string | null | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
  readonly UsageData?: { readonly Size?: number | null | undefined } | null | undefined
}
export const volumeAnswer: z.ZodMiniType<VolumeAnswer> = z.object({
  Name: z.string(),
  Driver: nullish(z.string()),
  CreatedAt: nullish(z.string()),
  Labels: textMap,
  Options: textMap,
  UsageData: nullish(z.object({ Size: nullish(z.number()) })),
})
export const volumeList: z.ZodMiniType<{ readonly Volumes?: readonly VolumeAnswer[] | null | undefined }> = z.object({
  Volumes: nullish(z.array(volumeAnswer)),
})

export function toVolumeInfo(answer: VolumeAnswer, uses: readonly ContainerUse[]): VolumeInfo {
  const { Name, Driver, CreatedAt, Labels, Options } = answer
  return {
    name: Name,
    driver: Driver ?? '',
    labels: Labels ?? {},
    options: Options ?? {},
    createdAt: toDate(CreatedAt) ?? new Date(0),
    usedBy: uses.filter(({ volumes }) => volumes.includes(Name)).map(({ id }) => id),
  }
}
/** Docker marks them from 23 on; before, and elsewhere, the name that a daemon makes up tells. */
export function isUnnamed({ name, labels }: Pick<VolumeInfo, 'name' | 'labels'>): boolean {
  return labels['com.docker.volume.anonymous'] !== undefined || /^[0-9a-f]{64}$/.test(name)
}
