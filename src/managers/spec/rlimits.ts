// `ulimits` as the runtime wants them, within what this process may give.
import { EngineError } from '../../errors.js'
import type { Ulimit } from '../../model/resources.js'
import { UNLIMITED, type OciRlimit } from '../../oci/runtime-spec.js'
import type { HostFacts } from '../../ports/engine/host.js'

const NAMES: readonly string[] = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
]

/**
 * Unknown names and a soft limit above the hard one are `invalid_argument`. Above this process's own hard limit, without
 * CAP_SYS_RESOURCE: `failed_precondition` naming it, since runtimes fail there without saying why. `defaults` are cut down instead.
 */
export function toRlimits(
  ulimits: Readonly<Record<string, Ulimit>>,
  defaults: Readonly<Record<string, Ulimit>>,
  host: Pick<HostFacts, 'hardLimits' | 'capabilities'>,
): readonly OciRlimit[] {
  const mayRaise = host.capabilities.includes('CAP_SYS_RESOURCE')
  const most = (name: string): number => (mayRaise ? Infinity : amount(host.hardLimits[name] ?? -1))
  const asked = Object.entries(ulimits).map(([name, limit]) => {
    const field = `resources.ulimits.${name}`
    if (!NAMES.includes(name)) throw new EngineError('invalid_argument', `${field}: no limit "${name}"`)
    if (amount(limit.soft) > amount(limit.hard)) throw new EngineError('invalid_argument', `${field}: "soft" is above "hard"`)
    if (amount(limit.hard) > most(name)) {
      throw new EngineError('failed_precondition', `${field}: "hard" is above this process's own hard limit of ${most(name)}`)
    }
    return toRlimit(name, limit)
  })
  const others = Object.entries(defaults)
    .filter(([name]) => !Object.hasOwn(ulimits, name))
    .map(([name, limit]) =>
      toRlimit(name, { soft: Math.min(amount(limit.soft), most(name)), hard: Math.min(amount(limit.hard), most(name)) }),
    )
  return [...asked, ...others].sort((a, b) => (a.type < b.type ? -1 : 1))
}

function toRlimit(name: string, { soft, hard }: Ulimit): OciRlimit {
  return { type: `RLIMIT_${name.toUpperCase()}`, soft: encode(soft), hard: encode(hard) }
}

function amount(limit: number): number {
  return limit === -1 ? Infinity : limit
}

function encode(limit: number): number {
  return amount(limit) === Infinity ? UNLIMITED : limit
}
