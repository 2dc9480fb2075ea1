// Parts of a spec below what capabilities tell that not every daemon honours. One that does not would ignore them in silence, so they are refused.
import { EngineError } from '../../../errors.js'
import type { ContainerSpec } from '../../../model/container-spec.js'
import { type ApiVersion, apiAtLeast } from '../api-version.js'

/** `always`: any version of this daemon. Absent from a dialect's table: never. */
export type Since = 'always' | readonly [major: number, minor: number]
export type SpecField =
  | 'cgroupParent'
  | 'health.startPeriodMs'
  | 'ipcMode: shareable or none'
  | 'mounts: createSource'
  | 'mounts: createSource by Mounts'
  | 'mounts: subPath'
  | 'networks: mac'
  | 'networks: priority'
  | 'networks: several'
  | 'networks: sysctls'
  | 'resources.blockIo'
  | 'resources.cpus'
  | 'runtime.options'
  | 'security.apparmor'
  | 'security.seccomp'
  | 'security.seccomp: profile'
  | 'security.selinuxLabel'
  | 'security: maskedPaths and readOnlyPaths'
export type FieldTable = Readonly<Partial<Record<SpecField, Since | undefined>>>

type Asked = (spec: ContainerSpec) => boolean
const mountsOf = (spec: ContainerSpec, type: 'volume' | 'bind' | 'tmpfs') => (spec.mounts ?? []).filter((mount) => mount.type === type)
const networksOf = (spec: ContainerSpec) => spec.networks ?? []

const asked: Readonly<Partial<Record<SpecField, Asked>>> = {
  cgroupParent: ({ cgroupParent }) => cgroupParent !== undefined,
  'health.startPeriodMs': ({ health }) => (health?.startPeriodMs ?? 0) > 0,
  'ipcMode: shareable or none': ({ ipcMode }) => ipcMode === 'shareable' || ipcMode === 'none',
  'mounts: createSource': (spec) => mountsOf(spec, 'bind').some((mount) => 'createSource' in mount && mount.createSource === true),
  'mounts: subPath': (spec) => mountsOf(spec, 'volume').some((mount) => 'subPath' in mount && mount.subPath !== undefined),
  'networks: several': (spec) => networksOf(spec).length > 1,
  'networks: mac': (spec) => networksOf(spec).some(({ mac }) => mac !== undefined),
  'networks: priority': (spec) => networksOf(spec).some(({ priority }) => (priority ?? 0) !== 0),
  'networks: sysctls': (spec) => networksOf(spec).some(({ sysctls }) => Object.keys(sysctls ?? {}).length > 0),
  'resources.blockIo': ({ resources }) => resources?.blockIo !== undefined,
  'resources.cpus': ({ resources }) => resources?.cpus !== undefined,
  'runtime.options': ({ runtime }) => runtime?.options !== undefined,
  'security.apparmor': ({ security }) => security?.apparmor !== undefined,
  'security.seccomp': ({ security }) => security?.seccomp !== undefined && security.seccomp !== 'default',
  'security.seccomp: profile': ({ security }) => typeof security?.seccomp === 'object',
  'security.selinuxLabel': ({ security }) => security?.selinuxLabel !== undefined,
  'security: maskedPaths and readOnlyPaths': ({ security }) => security?.maskedPaths !== undefined || security?.readOnlyPaths !== undefined,
}

/** Throws `unsupported` naming the first field that this daemon would ignore. */
export function refuseUnknownFields(
  context: { readonly name: string; readonly facts: { readonly api: ApiVersion } },
  table: FieldTable,
  spec: ContainerSpec,
): void {
  for (const [field, isAsked] of Object.entries(asked) as [SpecField, Asked][]) {
    if (!isAsked(spec) || knows(table[field], context.facts.api)) continue
    const since = table[field]
    const hint = since === undefined || since === 'always' ? '' : `: it needs version ${since.join('.')} of its API`
    throw new EngineError('unsupported', `the ${context.name} backend does not support "${field}" of a container${hint}`)
  }
}
export function knowsField(table: FieldTable, field: SpecField, api: ApiVersion): boolean {
  return knows(table[field], api)
}
function knows(since: Since | undefined, api: ApiVersion): boolean {
  return since !== undefined && (since === 'always' || apiAtLeast(api, since[0], since[1]))
}
