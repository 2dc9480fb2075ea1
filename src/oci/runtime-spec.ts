// The parts of the OCI runtime specification (1.0.2) that we produce. Type aliases, so that they are `JsonValue`s.
import type { RuntimeProcess, RuntimeResources, RuntimeSpec } from '../model/process.js'

export const OCI_VERSION = '1.0.2'

export type OciSpec = {
  readonly ociVersion: string
  readonly process: OciProcess
  readonly root: { readonly path: string; readonly readonly: boolean }
  readonly hostname: string
  readonly mounts: readonly OciMount[]
  readonly hooks?: OciSpecHooks
  readonly annotations?: { readonly [key: string]: string }
  readonly linux: OciLinux
}
export type OciProcess = {
  readonly terminal: boolean
  readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids: readonly number[] }
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly capabilities: OciCapabilities
  readonly rlimits?: readonly OciRlimit[]
  readonly noNewPrivileges: boolean
  readonly apparmorProfile?: string
  readonly selinuxLabel?: string
  readonly oomScoreAdj?: number
}
export type OciCapabilities = {
  readonly bounding: readonly string[]
  readonly effective: readonly string[]
  readonly permitted: readonly string[]
  readonly inheritable: readonly string[]
  readonly ambient: readonly string[]
}
export type OciRlimit = { readonly type: string; readonly soft: number; readonly hard: number }
export type OciMount = {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}
export type OciLinux = {
  readonly namespaces: readonly OciNamespace[]
  readonly devices: readonly OciDevice[]
  readonly cgroupsPath: string
  readonly resources: OciResources
  readonly rootfsPropagation?: string
  readonly sysctl?: { readonly [name: string]: string }
  readonly seccomp?: OciSeccomp
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
}
export type OciNamespace = {
  readonly type: 'pid' | 'network' | 'mount' | 'ipc' | 'uts' | 'user' | 'cgroup'
  readonly path?: string
}
export type OciDevice = {
  readonly path: string
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  readonly fileMode: number
  readonly uid: number
  readonly gid: number
}
export type OciDeviceRule = {
  readonly allow: boolean
  readonly type?: 'a' | 'b' | 'c'
  readonly major?: number
  readonly minor?: number
  readonly access: string
}
export type OciResources = {
  readonly devices?: readonly OciDeviceRule[]
  readonly memory?: { readonly limit?: number; readonly swap?: number; readonly reservation?: number }
  readonly cpu?: {
    readonly shares?: number
    readonly quota?: number
    readonly period?: number
    readonly cpus?: string
    readonly mems?: string
  }
  readonly pids?: { readonly limit: number }
  readonly blockIO?: OciBlockIo
}
export type OciBlockIo = {
  readonly weight?: number
  readonly weightDevice?: readonly OciWeightDevice[]
  readonly throttleReadBpsDevice?: readonly OciThrottleDevice[]
  readonly throttleWriteBpsDevice?: readonly OciThrottleDevice[]
  readonly throttleReadIOPSDevice?: readonly OciThrottleDevice[]
  readonly throttleWriteIOPSDevice?: readonly OciThrottleDevice[]
}
export type OciWeightDevice = { readonly major: number; readonly minor: number; readonly weight: number }
export type OciThrottleDevice = { readonly major: number; readonly minor: number; readonly rate: number }
export type OciSeccomp = {
  readonly defaultAction: string
  readonly defaultErrnoRet?: number
  readonly architectures?: readonly string[]
  readonly flags?: readonly string[]
  readonly listenerPath?: string
  readonly listenerMetadata?: string
  readonly syscalls: readonly OciSyscall[]
}
export type OciSyscall = {
  readonly names: readonly string[]
  readonly action: string
  readonly errnoRet?: number
  readonly args?: readonly OciSyscallArg[]
}
export type OciSyscallArg = { readonly index: number; readonly value: number; readonly valueTwo?: number; readonly op: string }
export type OciSpecHooks = {
  readonly [K in 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop']?: readonly OciSpecHook[]
}
export type OciSpecHook = {
  readonly path: string
  readonly args?: readonly string[]
  readonly env?: readonly string[]
  /** Seconds. */
  readonly timeout?: number
}

/**
 * "Unlimited" for a limit, which is 2^64-1. No number of JavaScript is that; this one is the largest below it, and
 * `encodeSpec` writes the true one in its place. Written by plain JSON it is still valid, and nearly as much.
 */
export const UNLIMITED: number = 2 ** 64 - 2 ** 11

/** The JSON text for a runtime. Unlike plain JSON it knows `UNLIMITED`. */
export function encodeSpec(spec: RuntimeSpec | RuntimeProcess | RuntimeResources): string {
  const text = JSON.stringify(spec)
  const marker = String(UNLIMITED)
  if (!text.includes(marker)) return text
  // Strings are stepped over whole, so that only a number is ever replaced.
  return text.replace(new RegExp(`"(?:[^"\\\\]|\\\\.)*"|${marker}`, 'g'), (token) => (token === marker ? String(2n ** 64n - 1n) : token))
}
