// A container's spec as the body of `POST /containers/create`.
import { EngineError } from '../../../errors.js'
import type { Labels } from '../../../model/common.js'
import type { ContainerSpec, HealthSpec, SecuritySpec } from '../../../model/container-spec.js'
import type { NetworkAttachment, PortRequest } from '../../../model/network.js'
import type { Resources, Ulimit } from '../../../model/resources.js'
import type { BindMount, TmpfsMount, VolumeMount } from '../../../model/volume.js'
import { graceLabel } from './labels.js'
import { toLogOptions } from './log-options.js'

/** JSON as it goes over the wire. */
export type Json = Readonly<Record<string, unknown>>
export interface CreateBody {
  readonly [field: string]: unknown
  readonly HostConfig: Json
  readonly NetworkingConfig?: Json | undefined
}
export interface BodySettings {
  /** Beside the spec's. */
  readonly labels: Labels
  /** Networks that can be named at once; the others are connected afterwards. */
  readonly networksAtCreate: number
  /** The daemon makes missing bind sources by `Mounts`; without it by `Binds` only. */
  readonly createsSources: boolean
}

/** Said, since daemons have other ideas of what nobody says. */
export const defaultTmpfsMode: number = 0o1777
export const defaultGraceMs: number = 10_000
export const defaultShmBytes: number = 64 << 20

export function toCreateBody(spec: ContainerSpec, settings: BodySettings): CreateBody {
  const { stopGraceMs, networks = [] } = spec
  const first = networks.slice(0, settings.networksAtCreate)
  return {
    Image: spec.image,
    Hostname: spec.hostname,
    User: spec.user,
    Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
    Entrypoint: spec.entrypoint === undefined ? undefined : spec.entrypoint.length === 0 ? [''] : spec.entrypoint,
    Cmd: spec.command,
    WorkingDir: spec.workingDir,
    Tty: spec.tty === true,
    OpenStdin: spec.stdin === true,
    // Without it the end of an attachment's stdin never reaches the process.
    StdinOnce: spec.stdin === true,
    Labels: { ...spec.labels, ...settings.labels, ...(stopGraceMs !== undefined && { [graceLabel]: String(stopGraceMs) }) },
    StopSignal: spec.stopSignal,
    StopTimeout: Math.ceil((stopGraceMs ?? defaultGraceMs) / 1_000),
    ExposedPorts: Object.fromEntries((spec.ports ?? []).map((port) => [portKey(port), {}])),
    Healthcheck: spec.health === undefined ? undefined : toHealthcheck(spec.health),
    // Before version 1.44 the address belongs to the container, not to the endpoint: then it has one network at most.
    MacAddress: networks.length === 1 ? networks[0]?.mac : undefined,
    HostConfig: toHostConfig(spec, settings),
    NetworkingConfig:
      first.length === 0 ? undefined : { EndpointsConfig: Object.fromEntries(first.map((one) => [one.name, toEndpoint(one)])) },
  }
}

export function toEndpoint({ aliases, ipv4, ipv6, mac, options, priority }: Omit<NetworkAttachment, 'name'>): Json {
  return {
    Aliases: aliases,
    MacAddress: mac,
    DriverOpts: options,
    GwPriority: priority === 0 ? undefined : priority,
    IPAMConfig: ipv4 === undefined && ipv6 === undefined ? undefined : { IPv4Address: ipv4, IPv6Address: ipv6 },
  }
}

function toHostConfig(spec: ContainerSpec, { createsSources }: BodySettings): Json {
  const { security = {}, restart, log, mounts = [] } = spec
  const asBind = (mount: (typeof mounts)[number]): boolean => mount.type === 'bind' && mount.createSource === true && !createsSources
  return {
    NetworkMode: networkMode(spec),
    PortBindings: toBindings(spec.ports ?? []),
    Binds: mounts.filter(asBind).map((mount) => toBind(mount as BindMount)),
    Mounts: mounts.filter((mount) => !asBind(mount)).map(toMount),
    RestartPolicy:
      restart === undefined
        ? undefined
        : { Name: restart.policy, MaximumRetryCount: restart.policy === 'on-failure' ? (restart.maxRetries ?? 0) : 0 },
    Privileged: security.privileged === true,
    CapAdd: security.capAdd,
    CapDrop: security.capDrop,
    ReadonlyRootfs: security.readOnlyRoot === true,
    SecurityOpt: toSecurityOpt(security),
    MaskedPaths: security.maskedPaths,
    ReadonlyPaths: security.readOnlyPaths,
    Dns: spec.dns,
    DnsSearch: spec.dnsSearch,
    ExtraHosts: Object.entries(spec.extraHosts ?? {}).map(([name, address]) => `${name}:${address}`),
    GroupAdd: spec.groups,
    PidMode: typeof spec.pidMode === 'object' ? `container:${spec.pidMode.container}` : spec.pidMode === 'host' ? 'host' : '',
    IpcMode: typeof spec.ipcMode === 'object' ? `container:${spec.ipcMode.container}` : spec.ipcMode,
    ShmSize: spec.shmBytes ?? defaultShmBytes,
    Sysctls: spec.sysctls,
    Runtime: spec.runtime?.name,
    CgroupParent: spec.cgroupParent,
    Init: spec.init,
    Annotations: spec.annotations,
    Devices: (spec.devices ?? []).map((device) => {
      const { hostPath, path = hostPath, access = 'rwm' } = typeof device === 'string' ? { hostPath: device } : device
      return { PathOnHost: hostPath, PathInContainer: path, CgroupPermissions: access }
    }),
    LogConfig: log === undefined ? undefined : { Type: log.driver, Config: toLogOptions(log.options) },
    ...toResources(spec.resources ?? {}),
    Ulimits: Object.entries(spec.resources?.ulimits ?? {}).map(([name, { soft, hard }]: [string, Ulimit]) => ({
      Name: name,
      Soft: soft,
      Hard: hard,
    })),
  }
}

function networkMode({ networkMode: mode, networks = [] }: ContainerSpec): string {
  if (mode === undefined) return networks[0]?.name ?? 'default'
  if (typeof mode === 'string') return mode
  return 'container' in mode ? `container:${mode.container}` : `netns:${mode.netns}`
}

const portKey = ({ containerPort, protocol = 'tcp' }: PortRequest): string => `${containerPort}/${protocol}`

function toBindings(ports: readonly PortRequest[]): Json {
  const bindings: Record<string, Json[]> = {}
  for (const port of ports)
    (bindings[portKey(port)] ??= []).push({ HostIp: port.hostIp ?? '', HostPort: port.hostPort === undefined ? '' : String(port.hostPort) })
  return bindings
}

function toBind({ source, target, readOnly, propagation }: BindMount): string {
  if (source.includes(':') || target.includes(':'))
    throw new EngineError('unsupported', `this daemon cannot make the bind source "${source}": a colon in a path is no colon to it`)
  return [source, target, [readOnly === true ? 'ro' : 'rw', propagationName(propagation)].join(',')].join(':')
}
function toMount(mount: VolumeMount | BindMount | TmpfsMount): Json {
  switch (mount.type) {
    case 'bind':
      return {
        Type: 'bind',
        Source: mount.source,
        Target: mount.target,
        ReadOnly: mount.readOnly === true,
        BindOptions: { Propagation: propagationName(mount.propagation), ...(mount.createSource === true && { CreateMountpoint: true }) },
      }
    case 'volume':
      return {
        Type: 'volume',
        Source: mount.source,
        Target: mount.target,
        ReadOnly: mount.readOnly === true,
        VolumeOptions: { NoCopy: mount.noCopy === true, ...(mount.subPath !== undefined && { Subpath: mount.subPath }) },
      }
    case 'tmpfs':
      return { Type: 'tmpfs', Target: mount.target, TmpfsOptions: { SizeBytes: mount.sizeBytes, Mode: mount.mode ?? defaultTmpfsMode } }
  }
}
const propagationName = (propagation: BindMount['propagation'] = 'private'): string => `r${propagation}`

function toSecurityOpt({ noNewPrivileges, seccomp, apparmor, selinuxLabel }: SecuritySpec): readonly string[] {
  const options: string[] = []
  if (noNewPrivileges === true) options.push('no-new-privileges')
  if (seccomp === 'unconfined') options.push('seccomp=unconfined')
  if (typeof seccomp === 'object') options.push(`seccomp=${profileText(seccomp.profile)}`)
  if (apparmor !== undefined) options.push(`apparmor=${apparmor}`)
  if (selinuxLabel !== undefined) {
    const parts = /^([^:]+):([^:]+):([^:]+):(.+)$/.exec(selinuxLabel)
    if (parts === null) throw new EngineError('invalid_argument', `security.selinuxLabel "${selinuxLabel}" is not user:role:type:level`)
    options.push(`label=user:${parts[1]}`, `label=role:${parts[2]}`, `label=type:${parts[3]}`, `label=level:${parts[4]}`)
  }
  return options
}
/** A daemon would take what is no JSON for the path of a file. */
function profileText(profile: string): string {
  try {
    const parsed: unknown = JSON.parse(profile)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return JSON.stringify(parsed)
  } catch {
    /* said below */
  }
  throw new EngineError('invalid_argument', 'security.seccomp: the profile is no JSON object')
}

export function toResources(resources: Resources): Json {
  const { blockIo, cpus } = resources
  const devices = blockIo?.devices ?? []
  const rates = (
    field: 'readBytesPerSecond' | 'writeBytesPerSecond' | 'readOpsPerSecond' | 'writeOpsPerSecond',
  ): readonly Json[] | undefined => {
    const list = devices.flatMap((device) => (device[field] === undefined ? [] : [{ Path: device.path, Rate: device[field] }]))
    return list.length === 0 ? undefined : list
  }
  const weights = devices.flatMap(({ path, weight }) => (weight === undefined ? [] : [{ Path: path, Weight: weight }]))
  return {
    Memory: resources.memoryBytes,
    MemorySwap: resources.memorySwapBytes,
    MemoryReservation: resources.memoryReservationBytes,
    NanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
    CpuShares: resources.cpuShares,
    CpusetCpus: resources.cpuset,
    CpusetMems: resources.cpusetMems,
    PidsLimit: resources.pids,
    BlkioWeight: blockIo?.weight,
    BlkioWeightDevice: weights.length === 0 ? undefined : weights,
    BlkioDeviceReadBps: rates('readBytesPerSecond'),
    BlkioDeviceWriteBps: rates('writeBytesPerSecond'),
    BlkioDeviceReadIOps: rates('readOpsPerSecond'),
    BlkioDeviceWriteIOps: rates('writeOpsPerSecond'),
  }
}

function toHealthcheck({ command, intervalMs, timeoutMs, startPeriodMs, retries }: HealthSpec): Json {
  if (command.length === 0) return { Test: ['NONE'] }
  const nanos = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.round(ms * 1e6))
  return {
    Test: ['CMD', ...command],
    Interval: nanos(intervalMs),
    Timeout: nanos(timeoutMs),
    StartPeriod: nanos(startPeriodMs),
    Retries: retries,
  }
}
