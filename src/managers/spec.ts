// A container's spec and the facts around it become the spec of an OCI runtime. Pure.
import { EngineError } from '../errors.js'
import type { ContainerSettings, OciHook, OciHooks, SecuritySpec } from '../model/container-spec.js'
import type { RuntimeProcess, RuntimeResources, RuntimeSpec } from '../model/process.js'
import { maskedPaths } from '../oci/masked-paths.js'
import { OCI_VERSION, type OciLinux, type OciSeccomp, type OciSpec, type OciSpecHook, type OciSpecHooks } from '../oci/runtime-spec.js'
import type { HostFacts } from '../ports/engine/host.js'
import { hostnameText } from './etc-files.js'
import { toDeviceRules, toDevices } from './spec/devices.js'
import type { ExecInput, ResolvedBlockDevice, SpecInput } from './spec/input.js'
import { INIT_TARGET, toMounts } from './spec/mounts.js'
import { toNamespaces } from './spec/namespaces.js'
import { toExecProcess, toProcess } from './spec/process.js'
import { toResources } from './spec/resources.js'
import { defaultSeccomp, kernelAtLeast } from './spec/seccomp.js'
import { customSeccomp } from './spec/seccomp-profile.js'
import { checkSysctls } from './spec/sysctls.js'

const READ_ONLY: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/**
 * The spec must be filled in (`fillIn`) and checked by `refuseUnsupported`. What cannot be as asked is `invalid_argument`, or
 * `failed_precondition` and `unsupported` where it is this machine that cannot; each names the field.
 */
export function buildSpec(input: SpecInput): RuntimeSpec {
  const { id, spec, host, inside, etc } = input
  const { security = {}, init = false } = spec
  const { privileged = false, readOnlyRoot = false } = security
  const initPath = init ? findInit(input) : undefined
  const process = toProcess(input)
  const hooks = toHooks(spec.hooks)
  const oci: OciSpec = {
    ociVersion: OCI_VERSION,
    process: initPath === undefined ? process : { ...process, args: [INIT_TARGET, '--', ...process.args] },
    root: { path: 'rootfs', readonly: readOnlyRoot },
    hostname: hostnameText(spec, id),
    mounts: toMounts({
      mounts: spec.mounts ?? [],
      fileSources: input.fileSources,
      shmBytes: spec.shmBytes,
      ipcMode: spec.ipcMode,
      privileged,
      readOnlyRoot,
      etc,
      inside,
      initPath,
      kernel: host.kernel,
    }),
    ...(hooks === undefined ? {} : { hooks }),
    ...(spec.annotations === undefined ? {} : { annotations: spec.annotations }),
    linux: toLinux(input, process.capabilities.bounding),
  }
  return oci
}

/** A further process: the container's own settings with the exec's over them. */
export function buildExecProcess(input: ExecInput): RuntimeProcess {
  return toExecProcess(input)
}

/** What may change while a container runs: absent limits are left as they are. */
export function buildResources(
  { resources = {} }: Pick<ContainerSettings, 'resources'>,
  blockDevices?: ReadonlyMap<string, ResolvedBlockDevice>,
): RuntimeResources {
  return toResources(resources, blockDevices)
}

/** Directly below its parent, and nothing else of ours is. */
export function cgroupPath(id: string, cgroupParent: string | undefined): string {
  const parent = cgroupParent ?? '/'
  if (!parent.startsWith('/') || parent.split('/').includes('..')) {
    throw new EngineError('invalid_argument', `cgroupParent: "${parent}" is not an absolute path`)
  }
  return `${parent.replace(/\/+$/, '')}/pouch-sdk-${id}`
}

function toLinux(input: SpecInput, bounding: readonly string[]): OciLinux {
  const { id, spec, host, netns, devices, blockDevices } = input
  const { security = {} } = spec
  const privileged = security.privileged ?? false
  const seccomp = toSeccomp(security, host, bounding)
  const propagation = rootPropagation(spec.mounts ?? [])
  const sysctl = toSysctls(input)
  return {
    namespaces: toNamespaces(spec, netns, host.cgroups),
    devices: toDevices(devices),
    cgroupsPath: cgroupPath(id, spec.cgroupParent),
    resources: { ...toResources(spec.resources ?? {}, blockDevices), devices: toDeviceRules(devices, privileged) },
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
    ...(Object.keys(sysctl).length > 0 ? { sysctl } : {}),
    ...(seccomp === undefined ? {} : { seccomp }),
    maskedPaths: security.maskedPaths ?? (privileged ? [] : maskedPaths),
    readonlyPaths: security.readOnlyPaths ?? (privileged ? [] : READ_ONLY),
  }
}

/** A privileged container has none unless it asks. Without seccomp in the kernel the default is none, too. */
function toSeccomp(security: SecuritySpec, host: HostFacts, capabilities: readonly string[]): OciSeccomp | undefined {
  const { seccomp = security.privileged === true ? 'unconfined' : 'default' } = security
  if (seccomp === 'unconfined') return undefined
  const target = { architecture: host.architecture, kernel: host.kernel, capabilities, furtherAbis: host.furtherAbis }
  if (seccomp === 'default') return host.seccomp ? defaultSeccomp(target) : undefined
  const profile = customSeccomp(seccomp.profile, target)
  if (!host.seccomp) throw new EngineError('unsupported', 'security.seccomp: this machine\'s kernel has no seccomp for the "profile"')
  return profile
}

/** In a network of its own everybody may ping and take low ports, as with Docker: the reasons against it are those of a host. */
function toSysctls({ spec, host, netns }: SpecInput): Readonly<Record<string, string>> {
  const asked = spec.sysctls ?? {}
  checkSysctls(asked, { hostNetwork: netns.kind === 'host', hostIpc: spec.ipcMode === 'host' })
  const ours = netns.kind !== 'host' && typeof spec.networkMode !== 'object'
  return {
    ...(ours && host.privileged ? { 'net.ipv4.ping_group_range': '0 2147483647' } : {}),
    ...(ours && kernelAtLeast(host.kernel, 4, 11) ? { 'net.ipv4.ip_unprivileged_port_start': '0' } : {}),
    ...asked,
  }
}

/** What propagates from or to a bind must also pass the container's root. */
function rootPropagation(mounts: NonNullable<ContainerSettings['mounts']>): string | undefined {
  const asked = mounts.map((mount) => (mount.type === 'bind' ? mount.propagation : undefined))
  return asked.includes('shared') ? 'shared' : asked.includes('slave') ? 'rslave' : undefined
}

function findInit({ spec, host, initPath = host.initPath }: SpecInput): string {
  if (spec.pidMode === 'host') throw new EngineError('invalid_argument', 'init: with pidMode "host" it would not be process 1')
  if (initPath === undefined)
    throw new EngineError('failed_precondition', 'init: there is no "tini", "catatonit" or "docker-init" on this machine; install one')
  return initPath
}

function toHooks(hooks: OciHooks | undefined): OciSpecHooks | undefined {
  if (hooks === undefined) return undefined
  const entries = Object.entries(hooks as Readonly<Record<string, readonly OciHook[] | undefined>>)
  return Object.fromEntries(entries.flatMap(([name, list]) => (list === undefined || list.length === 0 ? [] : [[name, list.map(toHook)]])))
}

function toHook({ path, args, env, timeoutMs }: OciHook): OciSpecHook {
  return {
    path,
    ...(args === undefined ? {} : { args }),
    ...(env === undefined ? {} : { env: Object.entries(env).map(([name, value]) => `${name}=${value}`) }),
    ...(timeoutMs === undefined ? {} : { timeout: Math.max(1, Math.ceil(timeoutMs / 1_000)) }),
  }
}
