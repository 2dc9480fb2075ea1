// The spec of a container that is there: complete enough to create it again.
import type {
  ContainerSettings,
  ContainerSpec,
  HealthSpec,
  NetworkMode,
  RestartPolicy,
  SecuritySpec,
} from '../../../model/container-spec.js'
import type { NetworkAttachment, PortRequest } from '../../../model/network.js'
import type { Signal } from '../../../model/process.js'
import type { BlockIo, BlockIoDevice, Ulimit } from '../../../model/resources.js'
import type { BindMount, TmpfsMount, VolumeMount } from '../../../model/volume.js'
import { findSignalName } from '../../../oci/signals.js'
import { ownOfPouch } from './pouch-spec.js'
import type { InspectAnswer, InspectHostConfig } from './container.js'
import { defaultGraceMs, defaultShmBytes, defaultTmpfsMode } from './create-body.js'
import { graceLabel, ownerLabel, withoutOurs } from './labels.js'
import { fromLogOptions } from './log-options.js'
import { parsePort } from './port.js'

export function toContainerSpec(answer: InspectAnswer): ContainerSpec {
  const { Config, HostConfig, Name } = answer
  const labels = Config.Labels ?? {}
  const own = withoutOurs(labels)
  const spec: ContainerSettings = {
    name: Name.replace(/^\//, ''),
    lifetime: labels[ownerLabel] === undefined ? undefined : 'owned',
    entrypoint: filled(toArgv(Config.Entrypoint)),
    command: filled(toArgv(Config.Cmd)),
    env: toEnv(Config.Env),
    workingDir: text(Config.WorkingDir),
    user: text(Config.User),
    groups: filled(HostConfig.GroupAdd),
    tty: Config.Tty === true ? true : undefined,
    stdin: Config.OpenStdin === true ? true : undefined,
    init: HostConfig.Init === true ? true : undefined,
    stopSignal: toSignal(Config.StopSignal),
    stopGraceMs: toGrace(labels[graceLabel], Config.StopTimeout),
    labels: Object.keys(own).length === 0 ? undefined : own,
    annotations: filledRecord(HostConfig.Annotations ?? Config.SpecAnnotation),
    hostname: ownHostname(answer),
    ...toNetworks(answer),
    ports: toPortRequests(HostConfig),
    extraHosts: toExtraHosts(HostConfig.ExtraHosts),
    dns: filled(HostConfig.Dns),
    dnsSearch: filled(HostConfig.DnsSearch),
    mounts: toMountRequests(HostConfig),
    devices: toDevices(HostConfig),
    shmBytes: positive(HostConfig.ShmSize) === defaultShmBytes ? undefined : positive(HostConfig.ShmSize),
    resources: toResources(HostConfig),
    cgroupParent: text(HostConfig.CgroupParent),
    sysctls: filledRecord(HostConfig.Sysctls),
    security: toSecurity(HostConfig),
    pidMode: toPidMode(HostConfig.PidMode),
    ipcMode: toIpcMode(HostConfig.IpcMode),
    restart: toRestart(HostConfig.RestartPolicy),
    health: toHealthSpec(Config.Healthcheck),
    runtime: toRuntime(HostConfig.Runtime),
    log: toLog(HostConfig.LogConfig),
    ...ownOfPouch(answer),
  }
  return defined({ ...spec, image: Config.Image ?? '' })
}

/** Without the keys that have no value, so that equal specs are equal objects. */
function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T
}
const text = (value: string | null | undefined): string | undefined => (value === null || value === '' ? undefined : value)
const positive = (value: number | null | undefined): number | undefined =>
  value !== null && value !== undefined && value > 0 ? value : undefined
function filled<T>(list: readonly T[] | null | undefined): readonly T[] | undefined {
  return list === null || list === undefined || list.length === 0 ? undefined : list
}
function filledRecord<T>(record: Readonly<Record<string, T>> | null | undefined): Readonly<Record<string, T>> | undefined {
  return record === null || record === undefined || Object.keys(record).length === 0 ? undefined : record
}

export function toArgv(value: readonly string[] | string | null | undefined): readonly string[] {
  if (value === null || value === undefined) return []
  return typeof value === 'string' ? value.split(' ').filter((part) => part !== '') : value
}
export function toEnv(list: readonly string[] | null | undefined): Readonly<Record<string, string>> | undefined {
  const entries = (list ?? []).map((entry): [string, string] => {
    const at = entry.indexOf('=')
    return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
  })
  return filledRecord(Object.fromEntries(entries))
}
/** Podman says `oci`, whichever it is. */
function toRuntime(name: string | null | undefined): { readonly name: string } | undefined {
  return text(name) === undefined || name === 'oci' ? undefined : { name: name ?? '' }
}
function toSignal(value: string | number | null | undefined): Signal | undefined {
  return value === null || value === undefined || value === '' ? undefined : findSignalName(String(value))
}
function toGrace(label: string | undefined, seconds: number | null | undefined): number | undefined {
  const ms = label === undefined ? Number.NaN : Number(label)
  if (Number.isInteger(ms) && ms >= 0) return ms
  // Podman says 0, whatever it is.
  return seconds === null || seconds === undefined || seconds <= 0 || seconds * 1_000 === defaultGraceMs ? undefined : seconds * 1_000
}
/** The beginning of the id is what a container gets that asks for none. */
function ownHostname({ Id, Config, HostConfig }: InspectAnswer): string | undefined {
  const hostname = text(Config.Hostname)
  return hostname === undefined || Id.startsWith(hostname) || HostConfig.NetworkMode === 'host' ? undefined : hostname
}

const defaults: ReadonlySet<string> = new Set(['', 'default', 'bridge', 'slirp4netns', 'pasta'])

function toNetworks(answer: InspectAnswer): { networks?: readonly NetworkAttachment[]; networkMode?: NetworkMode } {
  const mode = answer.HostConfig.NetworkMode ?? ''
  if (mode === 'none' || mode === 'host') return { networkMode: mode }
  if (mode.startsWith('container:')) return { networkMode: { container: mode.slice('container:'.length) } }
  if (mode.startsWith('netns:') || mode.startsWith('ns:')) return { networkMode: { netns: mode.slice(mode.indexOf(':') + 1) } }
  const joined = Object.entries(answer.NetworkSettings?.Networks ?? {})
  if (joined.length === 0) return defaults.has(mode) ? {} : { networks: [{ name: mode }] }
  if (joined.length === 1 && defaults.has(mode)) return {}
  return {
    networks: joined.map(([name, endpoint]) =>
      defined({
        name,
        aliases: filled((endpoint?.Aliases ?? []).filter((alias) => !answer.Id.startsWith(alias))),
        ipv4: text(endpoint?.IPAMConfig?.IPv4Address),
        ipv6: text(endpoint?.IPAMConfig?.IPv6Address),
      }),
    ),
  }
}

function toPortRequests({ PortBindings }: InspectHostConfig): readonly PortRequest[] | undefined {
  const requests = Object.entries(PortBindings ?? {}).flatMap(([key, bindings]) => {
    const port = parsePort(key)
    return port === undefined
      ? []
      : (bindings ?? []).map(
          ({ HostIp, HostPort }): PortRequest =>
            defined({
              containerPort: port.containerPort,
              protocol: port.protocol === 'tcp' ? undefined : port.protocol,
              hostIp: text(HostIp),
              hostPort: Number(HostPort ?? '') > 0 ? Number(HostPort) : undefined,
            }),
        )
  })
  return filled(requests)
}

function toExtraHosts(list: readonly string[] | null | undefined): Readonly<Record<string, string>> | undefined {
  return filledRecord(
    Object.fromEntries(
      (list ?? []).map((entry) => {
        const at = entry.search(/[:=]/)
        return at < 0 ? [entry, ''] : [entry.slice(0, at), entry.slice(at + 1)]
      }),
    ),
  )
}

type MountSpec = VolumeMount | BindMount | TmpfsMount

function toMountRequests({ Mounts, Binds, Tmpfs }: InspectHostConfig): readonly MountSpec[] | undefined {
  const mounts = (Mounts ?? []).map((mount): MountSpec => {
    const common = { target: mount.Target, readOnly: mount.ReadOnly === true ? true : undefined }
    if (mount.Type === 'tmpfs') {
      const { SizeBytes, Mode } = mount.TmpfsOptions ?? {}
      return defined({
        type: 'tmpfs',
        target: mount.Target,
        sizeBytes: positive(SizeBytes),
        mode: Mode === defaultTmpfsMode ? undefined : positive(Mode),
      })
    }
    if (mount.Type === 'volume') {
      const { NoCopy, Subpath } = mount.VolumeOptions ?? {}
      return defined({
        type: 'volume',
        source: mount.Source ?? '',
        ...common,
        subPath: text(Subpath),
        noCopy: NoCopy === true ? true : undefined,
      })
    }
    const { Propagation, CreateMountpoint } = mount.BindOptions ?? {}
    return defined({
      type: 'bind',
      source: mount.Source ?? '',
      ...common,
      createSource: CreateMountpoint === true ? true : undefined,
      propagation: toPropagation(Propagation),
    })
  })
  const binds = (Binds ?? []).flatMap((bind): MountSpec[] => {
    const [source = '', target, modes = ''] = bind.split(':')
    if (target === undefined) return []
    const list = modes.split(',')
    const common = { source, target, readOnly: list.includes('ro') ? true : undefined }
    const noCopy = list.includes('nocopy') ? true : undefined
    const propagation = list.map(toPropagation).find((one) => one !== undefined)
    return [
      source.startsWith('/')
        ? defined({ type: 'bind', ...common, createSource: true, propagation })
        : defined({ type: 'volume', ...common, noCopy }),
    ]
  })
  const tmpfs = Object.entries(Tmpfs ?? {}).map(([target, modes]): MountSpec => {
    const size = /(?:^|,)size=(\d+)(?:,|$)/.exec(modes)?.[1]
    const mode = /(?:^|,)mode=([0-7]+)(?:,|$)/.exec(modes)?.[1]
    return defined({
      type: 'tmpfs',
      target,
      sizeBytes: size === undefined ? undefined : Number(size),
      mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
    })
  })
  return filled([...mounts, ...binds, ...tmpfs])
}
function toPropagation(value: string | null | undefined): BindMount['propagation'] {
  return value === 'rslave' || value === 'slave' ? 'slave' : value === 'rshared' || value === 'shared' ? 'shared' : undefined
}

function toDevices({ Devices }: InspectHostConfig): ContainerSettings['devices'] {
  return filled(
    (Devices ?? []).map(({ PathOnHost, PathInContainer, CgroupPermissions }) => {
      const path = text(PathInContainer)
      const access = text(CgroupPermissions)
      return (path === undefined || path === PathOnHost) && (access === undefined || access === 'rwm')
        ? PathOnHost
        : defined({ hostPath: PathOnHost, path, access })
    }),
  )
}

function toResources(host: InspectHostConfig): ContainerSettings['resources'] {
  const { NanoCpus, CpuQuota, CpuPeriod, Ulimits } = host
  const quota = positive(CpuQuota)
  const ulimits = filledRecord(
    Object.fromEntries(
      (Ulimits ?? []).map(({ Name, Soft, Hard }): [string, Ulimit] => [ulimitName(Name), { soft: Soft ?? 0, hard: Hard ?? 0 }]),
    ),
  )
  const swap = host.MemorySwap ?? 0
  const resources = defined({
    memoryBytes: positive(host.Memory),
    memorySwapBytes: swap === 0 || swap === 2 * (host.Memory ?? 0) ? undefined : swap,
    memoryReservationBytes: positive(host.MemoryReservation),
    cpus:
      positive(NanoCpus) !== undefined ? (NanoCpus ?? 0) / 1e9 : quota === undefined ? undefined : quota / (positive(CpuPeriod) ?? 100_000),
    cpuShares: positive(host.CpuShares),
    cpuset: text(host.CpusetCpus),
    cpusetMems: text(host.CpusetMems),
    pids: positive(host.PidsLimit),
    blockIo: toBlockIo(host),
    intelRdt: text(host.IntelRdtL3Cbm) === undefined ? undefined : { l3CacheSchema: host.IntelRdtL3Cbm ?? '' },
    ulimits,
  })
  return filledRecord(resources as Record<string, unknown>) === undefined ? undefined : resources
}

/** `nofile`; Podman says `RLIMIT_NOFILE`. */
function ulimitName(name: string): string {
  return name.replace(/^RLIMIT_/, '').toLowerCase()
}

function toBlockIo(host: InspectHostConfig): BlockIo | undefined {
  const devices = new Map<string, Record<string, number>>()
  const note = (path: string, field: string, value: number): void => {
    devices.set(path, { ...devices.get(path), [field]: value })
  }
  for (const { Path, Weight } of host.BlkioWeightDevice ?? []) note(Path, 'weight', Weight)
  for (const { Path, Rate } of host.BlkioDeviceReadBps ?? []) note(Path, 'readBytesPerSecond', Rate)
  for (const { Path, Rate } of host.BlkioDeviceWriteBps ?? []) note(Path, 'writeBytesPerSecond', Rate)
  for (const { Path, Rate } of host.BlkioDeviceReadIOps ?? []) note(Path, 'readOpsPerSecond', Rate)
  for (const { Path, Rate } of host.BlkioDeviceWriteIOps ?? []) note(Path, 'writeOpsPerSecond', Rate)
  const weight = positive(host.BlkioWeight)
  if (weight === undefined && devices.size === 0) return undefined
  return defined({ weight, devices: filled([...devices].map(([path, fields]): BlockIoDevice => ({ path, ...fields }))) })
}

function toSecurity(host: InspectHostConfig): SecuritySpec | undefined {
  const options = host.SecurityOpt ?? []
  const after = (name: string): string | undefined =>
    options.map((option) => new RegExp(`^${name}[=:](.*)$`, 's').exec(option)?.[1]).find((value) => value !== undefined)
  const seccomp = after('seccomp')
  // A daemon sets label=disable by itself on a privileged container; that is no wish of the user's.
  const label = ['user', 'role', 'type', 'level'].map((part) => after(`label[=:]${part}`))
  const privileged = host.Privileged === true
  const security = defined({
    privileged: privileged ? true : undefined,
    capAdd: filled(host.CapAdd),
    capDrop: filled(host.CapDrop),
    readOnlyRoot: host.ReadonlyRootfs === true ? true : undefined,
    noNewPrivileges: options.some((option) => /^no-new-privileges([=:]true)?$/.test(option)) ? true : undefined,
    seccomp: seccomp === undefined ? undefined : seccomp === 'unconfined' ? ('unconfined' as const) : { profile: seccomp },
    apparmor: after('apparmor'),
    selinuxLabel: label.every((part) => part !== undefined) ? label.join(':') : undefined,
    maskedPaths: privileged || isDefault(host.MaskedPaths, '/proc/kcore') ? undefined : (host.MaskedPaths ?? undefined),
    readOnlyPaths: privileged || isDefault(host.ReadonlyPaths, '/proc/sysrq-trigger') ? undefined : (host.ReadonlyPaths ?? undefined),
  })
  return filledRecord(security as Record<string, unknown>) === undefined ? undefined : security
}
/** The daemon fills in its own list. */
function isDefault(paths: readonly string[] | null | undefined, telling: string): boolean {
  return paths?.includes(telling) === true && paths.length > 3
}

function toPidMode(mode: string | null | undefined): ContainerSettings['pidMode'] {
  if (mode === 'host') return 'host'
  return mode?.startsWith('container:') === true ? { container: mode.slice('container:'.length) } : undefined
}
function toIpcMode(mode: string | null | undefined): ContainerSettings['ipcMode'] {
  if (mode === 'host' || mode === 'none' || mode === 'shareable') return mode
  return mode?.startsWith('container:') === true ? { container: mode.slice('container:'.length) } : undefined
}
function toRestart(policy: InspectHostConfig['RestartPolicy']): RestartPolicy | undefined {
  switch (policy?.Name) {
    case 'always':
    case 'unless-stopped':
      return { policy: policy.Name }
    case 'on-failure':
      return defined({ policy: 'on-failure' as const, maxRetries: positive(policy.MaximumRetryCount) })
    default:
      return undefined
  }
}
function toHealthSpec(check: InspectAnswer['Config']['Healthcheck']): HealthSpec | undefined {
  const [kind, ...rest] = check?.Test ?? []
  if (check === null || check === undefined || kind === undefined) return undefined
  const ms = (nanos: number | null | undefined): number | undefined => (positive(nanos) === undefined ? undefined : (nanos ?? 0) / 1e6)
  if (kind === 'NONE') return { command: [] }
  return defined({
    command: kind === 'CMD-SHELL' ? ['/bin/sh', '-c', ...rest] : rest,
    intervalMs: ms(check.Interval),
    timeoutMs: ms(check.Timeout),
    startPeriodMs: ms(check.StartPeriod),
    retries: positive(check.Retries),
  })
}
function toLog(log: InspectHostConfig['LogConfig']): ContainerSettings['log'] {
  const driver = text(log?.Type)
  if (driver === undefined) return undefined
  const options = fromLogOptions(log?.Config ?? {})
  return defined({ driver, options: filledRecord(options) })
}
