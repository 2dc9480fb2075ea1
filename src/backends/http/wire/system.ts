// size: schema
// `GET /info` of Docker, Podman and pouchd.
import * as z from 'zod/mini'
import type { Labels } from '../../../model/common.js'
import type { CheckItem, EngineInfo } from '../../../model/system.js'

const names = z.nullish(z.array(z.string()))
export interface InfoAnswer {
  readonly KernelVersion?: string | null | undefined
  readonly Architecture?: string | null | undefined
  readonly NCPU?: number | null | undefined
  readonly MemTotal?: number | null | undefined
  readonly CgroupVersion?: string | null | undefined
  readonly Runtimes?: Readonly<Record<string, unknown>> | null | undefined
  readonly Plugins?: { readonly [kind in 'Volume' | 'Network' | 'Log']?: readonly string[] | null | undefined } | null | undefined
  readonly VolumeDrivers?: readonly string[] | null | undefined
  /** `key=value` each. */
  readonly Labels?: readonly string[] | null | undefined
  readonly HttpProxy?: string | null | undefined
  readonly SecurityOptions?: readonly string[] | null | undefined
  readonly Warnings?: readonly string[] | null | undefined
  readonly OSType?: string | null | undefined
  readonly MemoryLimit?: boolean | null | undefined
  readonly SwapLimit?: boolean | null | undefined
  readonly PidsLimit?: boolean | null | undefined
  readonly CpuCfsQuota?: boolean | null | undefined
  readonly CPUSet?: boolean | null | undefined
  readonly IPv4Forwarding?: boolean | null | undefined
}
const flag = z.nullish(z.boolean())
export const infoAnswer: z.ZodMiniType<InfoAnswer> = z.object({
  KernelVersion: z.nullish(z.string()),
  Architecture: z.nullish(z.string()),
  NCPU: z.nullish(z.number()),
  MemTotal: z.nullish(z.number()),
  CgroupVersion: z.nullish(z.string()),
  Runtimes: z.nullish(z.record(z.string(), z.unknown())),
  Plugins: z.nullish(z.object({ Volume: names, Network: names, Log: names })),
  VolumeDrivers: names,
  Labels: names,
  HttpProxy: z.nullish(z.string()),
  SecurityOptions: names,
  Warnings: names,
  OSType: z.nullish(z.string()),
  MemoryLimit: flag,
  SwapLimit: flag,
  PidsLimit: flag,
  CpuCfsQuota: flag,
  CPUSet: flag,
  IPv4Forwarding: flag,
})

export function toEngineInfo(info: InfoAnswer): Omit<EngineInfo, 'backend' | 'version' | 'apiVersion'> {
  const { Plugins, VolumeDrivers } = info
  return {
    kernel: info.KernelVersion ?? '',
    architecture: info.Architecture ?? '',
    cpus: info.NCPU ?? 0,
    memoryBytes: info.MemTotal ?? 0,
    cgroups: info.CgroupVersion === '2' ? 'v2' : info.CgroupVersion === '1' ? 'v1' : undefined,
    runtimes: Object.keys(info.Runtimes ?? {}).sort(),
    networkDrivers: Plugins?.Network ?? [],
    volumeDrivers: Plugins?.Volume ?? VolumeDrivers ?? [],
    logDrivers: Plugins?.Log ?? [],
    labels: toLabels(info.Labels ?? []),
  }
}

function toLabels(lines: readonly string[]): Labels {
  return Object.fromEntries(lines.map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1 || line.length)]))
}

const limits = {
  memory_limit: 'MemoryLimit',
  swap_limit: 'SwapLimit',
  pids_limit: 'PidsLimit',
  cpu_limit: 'CpuCfsQuota',
  cpuset: 'CPUSet',
  ip_forwarding: 'IPv4Forwarding',
} as const satisfies Record<string, keyof InfoAnswer>

/** Only what the daemon told: where it is silent, nothing is known. */
export function toChecks(info: InfoAnswer): readonly CheckItem[] {
  const told = Object.entries(limits).flatMap(([name, field]): CheckItem[] => {
    const value = info[field]
    return value === null || value === undefined
      ? []
      : [{ name, answer: value ? 'yes' : 'no', why: `the daemon says "${field}": ${value}` }]
  })
  const security = (info.SecurityOptions ?? []).map((option): CheckItem => {
    const name = /^name=([^,]+)/.exec(option)?.[1] ?? option
    return { name, answer: 'yes', why: `the daemon says "${option}"` }
  })
  const warnings = (info.Warnings ?? []).map(
    (warning, index): CheckItem => ({ name: `warning_${index + 1}`, answer: 'limited', why: warning }),
  )
  return [...told, ...security, ...warnings]
}
