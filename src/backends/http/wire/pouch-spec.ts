// What only pouchd tells of a container.
import type { ContainerSettings, RichSpec } from '../../../model/container-spec.js'
import type { InspectAnswer } from './container.js'

const modes: readonly RichSpec['mode'][] = ['dumb-init', 'sbin-init', 'systemd']

export function ownOfPouch({ Config, HostConfig }: InspectAnswer): Pick<ContainerSettings, 'rich' | 'diskQuota' | 'lxcfs'> {
  return {
    rich: toRich(Config),
    diskQuota: toQuota(Config.DiskQuota ?? {}),
    lxcfs: HostConfig.EnableLxcfs === true ? true : undefined,
  }
}

/** Without a mode it is pouchd's default. */
function toRich({ Rich, RichMode, InitScript }: InspectAnswer['Config']): RichSpec | undefined {
  if (Rich !== true) return undefined
  const mode = modes.find((one) => one === RichMode) ?? 'dumb-init'
  return InitScript === undefined || InitScript === null || InitScript === '' ? { mode } : { mode, initScript: InitScript }
}

const units: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** Of those that other clients set, only what the model has words for: sizes of single paths. */
function toQuota(quota: Readonly<Record<string, string>>): Readonly<Record<string, number>> | undefined {
  const entries = Object.entries(quota).flatMap(([path, size]): [string, number][] => {
    const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([bkmgt])b?$/i.exec(size) ?? []
    return amount === undefined || !path.startsWith('/') || path.includes('&')
      ? []
      : [[path, Math.round(Number(amount) * (units[unit.toLowerCase()] ?? 1))]]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
