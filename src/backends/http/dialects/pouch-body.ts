// What pouchd is told in other words than Docker, or beyond them. Pure.
import type { ContainerSpec } from '../../../model/container-spec.js'
import type { ContainerChange } from '../../../model/container.js'
import type { BindMount, VolumeMount } from '../../../model/volume.js'
import { maskedPaths } from '../../../oci/masked-paths.js'
import type { CreateBody, Json } from '../wire/create-body.js'

/** Of the kernel's scheduler: `NanoCpus` is taken and does nothing. */
const cpuPeriodMicros = 100_000

/** The body of `POST /containers/create`, from the one for Docker. `Mounts` are taken and do nothing: all of them are `Binds`. */
export function toPouchBody({ HostConfig, ...body }: CreateBody, spec: ContainerSpec): CreateBody {
  const { mounts = [], rich, resources, networks = [], networkMode } = spec
  const { Mounts: _mounts, Annotations: _annotations, Init: _init, ...host } = HostConfig
  return {
    ...body,
    // Docker's word for no entry point would be the name of a program here.
    Entrypoint: spec.entrypoint,
    Healthcheck: undefined,
    Rich: rich === undefined ? undefined : true,
    RichMode: rich?.mode,
    InitScript: rich?.initScript,
    DiskQuota: toQuota(spec.diskQuota),
    SpecAnnotation: spec.annotations,
    HostConfig: {
      ...withQuotaOfCpus(host),
      // Its own list leaves out what others hide.
      MaskedPaths: spec.security?.maskedPaths ?? (spec.security?.privileged === true ? undefined : maskedPaths),
      CapAdd: toCapabilities(spec.security?.capAdd),
      CapDrop: toCapabilities(spec.security?.capDrop),
      Binds: mounts.flatMap((mount) => (mount.type === 'tmpfs' ? [] : [toBind(mount)])),
      NetworkMode: networkMode === undefined && networks.length === 0 ? 'bridge' : host['NetworkMode'],
      EnableLxcfs: spec.lxcfs,
      IntelRdtL3Cbm: resources?.intelRdt?.l3CacheSchema,
    },
  }
}

/**
 * The bodies of `POST /containers/{id}/update`, one after the other: labels that were changed stay so when the limits that came with them are
 * refused, therefore they come after them.
 */
export function toPouchUpdates(body: Json, { labels = {}, env = {}, diskQuota }: ContainerChange): readonly Json[] {
  const { RestartPolicy, ...limits } = body
  const rest: Json = {
    RestartPolicy,
    Label: some(Object.entries(labels).map(([key, value]) => `${key}=${value ?? ''}`)),
    Env: some(Object.entries(env).map(([name, value]) => (value === null ? name : `${name}=${value}`))),
  }
  return [withQuotaOfCpus(limits), { DiskQuota: toQuota(diskQuota) }, rest].filter((one) =>
    Object.values(one).some((value) => value !== undefined),
  )
}

function withQuotaOfCpus({ NanoCpus, ...host }: Json): Json {
  if (typeof NanoCpus !== 'number') return host
  return { ...host, CpuPeriod: cpuPeriodMicros, CpuQuota: Math.max(1_000, Math.round((NanoCpus * cpuPeriodMicros) / 1e9)) }
}

/** In capitals and without their prefix, else they are unknown. */
function toCapabilities(names: readonly string[] | undefined): readonly string[] | undefined {
  return names?.map((name) => name.toUpperCase().replace(/^CAP_/, ''))
}

function toBind(mount: VolumeMount | BindMount): string {
  const modes = [mount.readOnly === true ? 'ro' : 'rw']
  if (mount.type === 'bind') modes.push(`r${mount.propagation ?? 'private'}`)
  else if (mount.noCopy === true) modes.push('nocopy')
  return [mount.source, mount.target, modes.join(',')].join(':')
}

/** Sizes need a unit. */
function toQuota(quota: ContainerSpec['diskQuota']): Json | undefined {
  const entries = Object.entries(quota ?? {}).map(([path, bytes]): [string, string] => [path, `${bytes}B`])
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}
function some(list: readonly string[]): readonly string[] | undefined {
  return list.length === 0 ? undefined : list
}
