// What a daemon tells of a container, in our words.
import type { ContainerInfo, ContainerMount, ContainerState, HealthState } from '../../../model/container.js'
import type { EndpointInfo, PortMapping } from '../../../model/network.js'
import type { ExitStatus, Signal } from '../../../model/process.js'
import type { InspectAnswer, InspectState } from './container.js'
import { toContainerSpec } from './container-spec.js'
import { withoutOurs } from './labels.js'
import { parsePort } from './port.js'

/** By which signal of ours, if any: see `signals.ts`. */
export type SignalOf = (exit: { readonly exitCode: number; readonly exitedAt: Date }) => Signal | undefined

export function toContainerInfo(answer: InspectAnswer, signalOf: SignalOf): ContainerInfo {
  const { Id, Name, Config, State, Created, Image, RestartCount, GraphDriver, Driver } = answer
  const state = toState(State, signalOf)
  const runs = state.status === 'running' || state.status === 'paused'
  return {
    id: Id,
    name: Name.replace(/^\//, ''),
    image: Config.Image ?? undefined,
    imageId: Image === '' ? undefined : (Image ?? undefined),
    labels: withoutOurs(Config.Labels),
    createdAt: toDate(Created) ?? new Date(0),
    state,
    health: toHealth(State.Health),
    spec: toContainerSpec(answer),
    networks: toEndpoints(answer),
    ports: runs ? toPorts(answer) : [],
    mounts: toMounts(answer),
    restartCount: RestartCount ?? 0,
    rootDrivers: [GraphDriver?.Name ?? Driver ?? ''].filter((name) => name !== ''),
  }
}

export function toState(state: InspectState, signalOf: SignalOf): ContainerState {
  const startedAt = toDate(state.StartedAt)
  const pid = state.Pid === 0 ? undefined : (state.Pid ?? undefined)
  // pouchd says `Running: false` of a paused one, and Docker says `Running: true` of one that waits for its next start.
  if (state.Paused === true || state.Status === 'paused') return { status: 'paused', pid, startedAt: startedAt ?? new Date(0) }
  if (isRunning(state)) return { status: 'running', pid, startedAt: startedAt ?? new Date(0) }
  if (isNew(state)) return { status: 'created' }
  return { status: 'exited', exit: toExit(state, signalOf), startedAt }
}

export function isRunning({ Running, Restarting, Status }: InspectState): boolean {
  return Running === true && Restarting !== true && Status !== 'restarting'
}
/** It waits for its next start by the restart policy. */
export function isRestarting({ Restarting, Status }: InspectState): boolean {
  return Restarting === true || Status === 'restarting'
}
/** Never ran. A start that failed leaves it so, whatever exit code the daemon notes for it. */
function isNew({ Status, StartedAt }: InspectState): boolean {
  return Status === 'created' || Status === 'configured' || Status === 'initialized' || toDate(StartedAt) === undefined
}

export function toExit(state: InspectState, signalOf: SignalOf): ExitStatus {
  const known = state.ExitCode ?? undefined
  const exitCode = known === undefined || known < 0 ? 255 : known & 0xff
  const exitedAt = toDate(state.FinishedAt) ?? new Date(0)
  const oomKilled = state.OOMKilled ?? undefined
  return {
    exitCode,
    signal: oomKilled === true && exitCode === 137 ? 'SIGKILL' : signalOf({ exitCode, exitedAt }),
    exitedAt,
    oomKilled,
    lost: known === undefined || known < 0,
  }
}

/** The zero time of Go stands for none. */
export function toDate(text: string | null | undefined): Date | undefined {
  if (text === undefined || text === null || text === '' || text.startsWith('0001-01-01')) return undefined
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date
}

function toHealth(health: InspectState['Health']): HealthState | undefined {
  const status = health?.Status
  if (health === undefined || health === null || (status !== 'starting' && status !== 'healthy' && status !== 'unhealthy')) return undefined
  return {
    status,
    failingStreak: health.FailingStreak ?? 0,
    checks: (health.Log ?? []).slice(-5).map(({ Start, ExitCode, Output }) => ({
      time: toDate(Start) ?? new Date(0),
      exitCode: ExitCode ?? 0,
      output: Output ?? '',
    })),
  }
}

const pseudo: ReadonlySet<string> = new Set(['none', 'host'])

/** `none` and `host` are modes here, no networks. */
function toEndpoints({ Id, NetworkSettings }: InspectAnswer): readonly EndpointInfo[] {
  return Object.entries(NetworkSettings?.Networks ?? {}).flatMap(([network, endpoint]): EndpointInfo[] => {
    if (endpoint === null || endpoint === undefined || pseudo.has(network)) return []
    const { IPAddress, IPPrefixLen, GlobalIPv6Address, GlobalIPv6PrefixLen, Gateway, IPv6Gateway, MacAddress, Aliases } = endpoint
    return [
      {
        containerId: Id,
        network,
        mac: MacAddress === '' ? undefined : (MacAddress ?? undefined),
        addresses: [...cidr(IPAddress, IPPrefixLen), ...cidr(GlobalIPv6Address, GlobalIPv6PrefixLen)],
        gateways: [Gateway, IPv6Gateway].flatMap((one) => (one === undefined || one === null || one === '' ? [] : [one])),
        aliases: Aliases ?? [],
      },
    ]
  })
}
function cidr(address: string | null | undefined, length: number | null | undefined): readonly string[] {
  return address === undefined || address === null || address === '' ? [] : [`${address}/${length ?? 0}`]
}

function toPorts({ NetworkSettings }: InspectAnswer): readonly PortMapping[] {
  return Object.entries(NetworkSettings?.Ports ?? {}).flatMap(([key, bindings]) => {
    const port = parsePort(key)
    return (bindings ?? []).flatMap(({ HostIp, HostPort }): PortMapping[] => {
      const hostPort = Number(HostPort ?? '')
      return port === undefined || !(hostPort > 0) ? [] : [{ ...port, hostIp: HostIp ?? '', hostPort }]
    })
  })
}
function toMounts({ Mounts, HostConfig }: InspectAnswer): readonly ContainerMount[] {
  const told = (Mounts ?? []).map(({ Type, Name, Source, Destination, RW }): ContainerMount => {
    const name = Name === '' ? undefined : (Name ?? undefined)
    const type = Type === 'volume' || Type === 'tmpfs' ? Type : name === undefined ? 'bind' : 'volume'
    const source = type === 'volume' ? name : type === 'tmpfs' ? undefined : (Source ?? undefined)
    return { type, source, target: Destination, readOnly: RW === false }
  })
  const known = new Set(told.map(({ target }) => target))
  const asked = (HostConfig.Mounts ?? []).flatMap(({ Type, Target, ReadOnly }): ContainerMount[] =>
    Type === 'tmpfs' && !known.has(Target) ? [{ type: 'tmpfs', target: Target, readOnly: ReadOnly === true }] : [],
  )
  const others = Object.keys(HostConfig.Tmpfs ?? {}).flatMap((target): ContainerMount[] =>
    known.has(target) || asked.some((one) => one.target === target) ? [] : [{ type: 'tmpfs', target, readOnly: false }],
  )
  return [...told, ...asked, ...others]
}
