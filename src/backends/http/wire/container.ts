// size: schema
// `GET /containers/{id}/json` and `GET /containers/json`, as far as they are read. Each daemon leaves out what it does not know.
import * as z from 'zod/mini'
import type { Maybe } from './maybe.js'

const text: z.ZodMiniType<string | null | undefined> = z.nullish(z.string())
const texts: z.ZodMiniType<string[] | null | undefined> = z.nullish(z.array(z.string()))
const labels: z.ZodMiniType<Record<string, string> | null | undefined> = z.nullish(z.record(z.string(), z.string()))
const number: z.ZodMiniType<number | null | undefined> = z.nullish(z.number())
const flag: z.ZodMiniType<boolean | null | undefined> = z.nullish(z.boolean())
/** Some daemons give one text where others give a list. */
const argv: z.ZodMiniType<string[] | string | null | undefined> = z.nullish(z.union([z.array(z.string()), z.string()]))

const health = z.object({
  Status: text,
  FailingStreak: number,
  Log: z.nullish(z.array(z.object({ Start: text, ExitCode: number, Output: text }))),
})
const state = z.object({
  Status: text,
  Running: flag,
  Paused: flag,
  Restarting: flag,
  OOMKilled: flag,
  Dead: flag,
  Pid: number,
  ExitCode: number,
  Error: text,
  StartedAt: text,
  FinishedAt: text,
  Health: z.nullish(health),
})
const config = z.object({
  Image: text,
  Hostname: text,
  User: text,
  Tty: flag,
  OpenStdin: flag,
  Env: texts,
  Cmd: argv,
  Entrypoint: argv,
  WorkingDir: text,
  Labels: labels,
  StopSignal: z.nullish(z.union([z.string(), z.number()])),
  StopTimeout: number,
  Healthcheck: z.nullish(z.object({ Test: texts, Interval: number, Timeout: number, StartPeriod: number, Retries: number })),
  // pouchd's own, to the end.
  Rich: flag,
  RichMode: text,
  InitScript: text,
  DiskQuota: labels,
  SpecAnnotation: labels,
})
const device = z.object({ PathOnHost: z.string(), PathInContainer: text, CgroupPermissions: text })
const weight = z.object({ Path: z.string(), Weight: z.number() })
const rate = z.object({ Path: z.string(), Rate: z.number() })
const mountRequest = z.object({
  Type: z.string(),
  Source: text,
  Target: z.string(),
  ReadOnly: flag,
  BindOptions: z.nullish(z.object({ Propagation: text, CreateMountpoint: flag })),
  VolumeOptions: z.nullish(z.object({ NoCopy: flag, Subpath: text })),
  TmpfsOptions: z.nullish(z.object({ SizeBytes: number, Mode: number })),
})
const binding = z.object({ HostIp: text, HostPort: text })
const ports = z.nullish(z.record(z.string(), z.nullish(z.array(binding))))
const hostConfig = z.object({
  Binds: texts,
  NetworkMode: text,
  PortBindings: ports,
  RestartPolicy: z.nullish(z.object({ Name: text, MaximumRetryCount: number })),
  CapAdd: texts,
  CapDrop: texts,
  Dns: texts,
  DnsSearch: texts,
  ExtraHosts: texts,
  GroupAdd: texts,
  IpcMode: text,
  PidMode: text,
  Privileged: flag,
  ReadonlyRootfs: flag,
  SecurityOpt: texts,
  Tmpfs: labels,
  ShmSize: number,
  Sysctls: labels,
  Runtime: text,
  Memory: number,
  MemoryReservation: number,
  MemorySwap: number,
  NanoCpus: number,
  CpuPeriod: number,
  CpuQuota: number,
  CpuShares: number,
  CpusetCpus: text,
  CpusetMems: text,
  PidsLimit: number,
  BlkioWeight: number,
  BlkioWeightDevice: z.nullish(z.array(weight)),
  BlkioDeviceReadBps: z.nullish(z.array(rate)),
  BlkioDeviceWriteBps: z.nullish(z.array(rate)),
  BlkioDeviceReadIOps: z.nullish(z.array(rate)),
  BlkioDeviceWriteIOps: z.nullish(z.array(rate)),
  CgroupParent: text,
  Devices: z.nullish(z.array(device)),
  Ulimits: z.nullish(z.array(z.object({ Name: z.string(), Soft: number, Hard: number }))),
  LogConfig: z.nullish(z.object({ Type: text, Config: labels })),
  Init: flag,
  Mounts: z.nullish(z.array(mountRequest)),
  MaskedPaths: texts,
  ReadonlyPaths: texts,
  Annotations: labels,
  // pouchd's own.
  EnableLxcfs: flag,
  IntelRdtL3Cbm: text,
})
const mount = z.object({ Type: text, Name: text, Source: text, Destination: z.string(), RW: flag, Mode: text, Propagation: text })
const endpoint = z.object({
  Aliases: texts,
  NetworkID: text,
  MacAddress: text,
  Gateway: text,
  IPAddress: text,
  IPPrefixLen: number,
  IPv6Gateway: text,
  GlobalIPv6Address: text,
  GlobalIPv6PrefixLen: number,
  IPAMConfig: z.nullish(z.object({ IPv4Address: text, IPv6Address: text })),
})

export interface InspectAnswer {
  readonly Id: string
  readonly Name: string
  readonly Created?: Maybe<string>
  readonly Image?: Maybe<string>
  readonly RestartCount?: Maybe<number>
  readonly Driver?: Maybe<string>
  readonly State: {
    readonly Status?: Maybe<string>
    readonly Running?: Maybe<boolean>
    readonly Paused?: Maybe<boolean>
    readonly Restarting?: Maybe<boolean>
    readonly OOMKilled?: Maybe<boolean>
    readonly Dead?: Maybe<boolean>
    readonly Pid?: Maybe<number>
    readonly ExitCode?: Maybe<number>
    readonly Error?: Maybe<string>
    readonly StartedAt?: Maybe<string>
    readonly FinishedAt?: Maybe<string>
    readonly Health?: Maybe<{
      readonly Status?: Maybe<string>
      readonly FailingStreak?: Maybe<number>
      readonly Log?: Maybe<
        readonly { readonly Start?: Maybe<string>; readonly ExitCode?: Maybe<number>; readonly Output?: Maybe<string> }[]
      >
    }>
  }
  readonly Config: {
    readonly Image?: Maybe<string>
    readonly Hostname?: Maybe<string>
    readonly User?: Maybe<string>
    readonly Tty?: Maybe<boolean>
    readonly OpenStdin?: Maybe<boolean>
    readonly Env?: Maybe<readonly string[]>
    readonly Cmd?: Maybe<string | readonly string[]>
    readonly Entrypoint?: Maybe<string | readonly string[]>
    readonly WorkingDir?: Maybe<string>
    readonly Labels?: Maybe<Readonly<Record<string, string>>>
    readonly StopTimeout?: Maybe<number>
    readonly StopSignal?: Maybe<string | number>
    readonly Healthcheck?: Maybe<{
      readonly Test?: Maybe<readonly string[]>
      readonly Interval?: Maybe<number>
      readonly Timeout?: Maybe<number>
      readonly StartPeriod?: Maybe<number>
      readonly Retries?: Maybe<number>
    }>
    readonly Rich?: Maybe<boolean>
    readonly RichMode?: Maybe<string>
    readonly InitScript?: Maybe<string>
    readonly DiskQuota?: Maybe<Readonly<Record<string, string>>>
    readonly SpecAnnotation?: Maybe<Readonly<Record<string, string>>>
  }
  readonly HostConfig: {
    readonly Binds?: Maybe<readonly string[]>
    readonly NetworkMode?: Maybe<string>
    readonly CapAdd?: Maybe<readonly string[]>
    readonly CapDrop?: Maybe<readonly string[]>
    readonly Dns?: Maybe<readonly string[]>
    readonly DnsSearch?: Maybe<readonly string[]>
    readonly ExtraHosts?: Maybe<readonly string[]>
    readonly GroupAdd?: Maybe<readonly string[]>
    readonly IpcMode?: Maybe<string>
    readonly PidMode?: Maybe<string>
    readonly Privileged?: Maybe<boolean>
    readonly ReadonlyRootfs?: Maybe<boolean>
    readonly SecurityOpt?: Maybe<readonly string[]>
    readonly Tmpfs?: Maybe<Readonly<Record<string, string>>>
    readonly ShmSize?: Maybe<number>
    readonly Sysctls?: Maybe<Readonly<Record<string, string>>>
    readonly Runtime?: Maybe<string>
    readonly Memory?: Maybe<number>
    readonly MemoryReservation?: Maybe<number>
    readonly MemorySwap?: Maybe<number>
    readonly NanoCpus?: Maybe<number>
    readonly CpuPeriod?: Maybe<number>
    readonly CpuQuota?: Maybe<number>
    readonly CpuShares?: Maybe<number>
    readonly CpusetCpus?: Maybe<string>
    readonly CpusetMems?: Maybe<string>
    readonly PidsLimit?: Maybe<number>
    readonly BlkioWeight?: Maybe<number>
    readonly CgroupParent?: Maybe<string>
    readonly Init?: Maybe<boolean>
    readonly MaskedPaths?: Maybe<readonly string[]>
    readonly ReadonlyPaths?: Maybe<readonly string[]>
    readonly Annotations?: Maybe<Readonly<Record<string, string>>>
    readonly EnableLxcfs?: Maybe<boolean>
    readonly IntelRdtL3Cbm?: Maybe<string>
    readonly PortBindings?: Maybe<
      Readonly<Record<string, Maybe<readonly { readonly HostIp?: Maybe<string>; readonly HostPort?: Maybe<string> }[]>>>
    >
    readonly RestartPolicy?: Maybe<{ readonly Name?: Maybe<string>; readonly MaximumRetryCount?: Maybe<number> }>
    readonly BlkioWeightDevice?: Maybe<readonly { readonly Path: string; readonly Weight: number }[]>
    readonly BlkioDeviceReadBps?: Maybe<readonly { readonly Path: string; readonly Rate: number }[]>
    readonly BlkioDeviceWriteBps?: Maybe<readonly { readonly Path: string; readonly Rate: number }[]>
    readonly BlkioDeviceReadIOps?: Maybe<readonly { readonly Path: string; readonly Rate: number }[]>
    readonly BlkioDeviceWriteIOps?: Maybe<readonly { readonly Path: string; readonly Rate: number }[]>
    readonly Devices?: Maybe<
      readonly { readonly PathOnHost: string; readonly PathInContainer?: Maybe<string>; readonly CgroupPermissions?: Maybe<string> }[]
    >
    readonly Ulimits?: Maybe<readonly { readonly Name: string; readonly Soft?: Maybe<number>; readonly Hard?: Maybe<number> }[]>
    readonly LogConfig?: Maybe<{ readonly Type?: Maybe<string>; readonly Config?: Maybe<Readonly<Record<string, string>>> }>
    readonly Mounts?: Maybe<
      readonly {
        readonly Type: string
        readonly Source?: Maybe<string>
        readonly Target: string
        readonly ReadOnly?: Maybe<boolean>
        readonly BindOptions?: Maybe<{ readonly Propagation?: Maybe<string>; readonly CreateMountpoint?: Maybe<boolean> }>
        readonly VolumeOptions?: Maybe<{ readonly NoCopy?: Maybe<boolean>; readonly Subpath?: Maybe<string> }>
        readonly TmpfsOptions?: Maybe<{ readonly SizeBytes?: Maybe<number>; readonly Mode?: Maybe<number> }>
      }[]
    >
  }
  readonly GraphDriver?: Maybe<{ readonly Name?: Maybe<string> }>
  readonly Mounts?: Maybe<
    readonly {
      readonly Type?: Maybe<string>
      readonly Name?: Maybe<string>
      readonly Source?: Maybe<string>
      readonly Destination: string
      readonly RW?: Maybe<boolean>
      readonly Mode?: Maybe<string>
      readonly Propagation?: Maybe<string>
    }[]
  >
  readonly NetworkSettings?: Maybe<{
    readonly Ports?: Maybe<
      Readonly<Record<string, Maybe<readonly { readonly HostIp?: Maybe<string>; readonly HostPort?: Maybe<string> }[]>>>
    >
    readonly Networks?: Maybe<
      Readonly<
        Record<
          string,
          Maybe<{
            readonly Aliases?: Maybe<readonly string[]>
            readonly NetworkID?: Maybe<string>
            readonly MacAddress?: Maybe<string>
            readonly Gateway?: Maybe<string>
            readonly IPAddress?: Maybe<string>
            readonly IPPrefixLen?: Maybe<number>
            readonly IPv6Gateway?: Maybe<string>
            readonly GlobalIPv6Address?: Maybe<string>
            readonly GlobalIPv6PrefixLen?: Maybe<number>
            readonly IPAMConfig?: Maybe<{ readonly IPv4Address?: Maybe<string>; readonly IPv6Address?: Maybe<string> }>
          }>
        >
      >
    >
  }>
}
export const inspectAnswer: z.ZodMiniType<InspectAnswer> = z.object({
  Id: z.string(),
  Name: z.string(),
  Created: text,
  Image: text,
  RestartCount: number,
  Driver: text,
  GraphDriver: z.nullish(z.object({ Name: text })),
  State: state,
  Config: config,
  HostConfig: hostConfig,
  Mounts: z.nullish(z.array(mount)),
  NetworkSettings: z.nullish(z.object({ Ports: ports, Networks: z.nullish(z.record(z.string(), z.nullish(endpoint))) })),
})
export type InspectState = InspectAnswer['State']
export type InspectHostConfig = InspectAnswer['HostConfig']

export interface ListedContainer {
  readonly Id: string
  readonly Names?: Maybe<readonly string[]>
  readonly Labels?: Maybe<Readonly<Record<string, string>>>
}
export const listAnswer: z.ZodMiniType<readonly ListedContainer[]> = z.array(z.object({ Id: z.string(), Names: texts, Labels: labels }))
export const createAnswer: z.ZodMiniType<{ readonly Id: string; readonly Warnings?: Maybe<readonly string[]> }> = z.object({
  Id: z.string(),
  Warnings: texts,
})
