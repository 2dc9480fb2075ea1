// A seccomp profile that a user brings, as JSON in the OCI form or in Docker's, where rules hold under conditions.
import * as z from 'zod/mini'
import { EngineError } from '../../errors.js'
import { normalizePlatform } from '../../oci/platform.js'
import type { OciSeccomp, OciSyscall } from '../../oci/runtime-spec.js'
import { once } from '../../util/once.js'
import { SECCOMP_ARCHITECTURES, kernelAtLeast, type SeccompTarget } from './seccomp.js'

const MAX_PROFILE_CHARACTERS = 4 << 20
/** Of the OCI runtime specification, 1.1, "Seccomp". */
const ACTIONS = [
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
  'SCMP_ACT_TRAP',
  'SCMP_ACT_ERRNO',
  'SCMP_ACT_TRACE',
  'SCMP_ACT_ALLOW',
  'SCMP_ACT_LOG',
  'SCMP_ACT_NOTIFY',
] as const
const OPERATORS = ['SCMP_CMP_NE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_EQ', 'SCMP_CMP_GE', 'SCMP_CMP_GT', 'SCMP_CMP_MASKED_EQ'] as const

type Profile = z.output<ReturnType<typeof schema>>
type Condition = NonNullable<NonNullable<Profile['syscalls']>[number]['includes']>

/**
 * The profile for one target. Unknown fields are refused, since a rule that is not understood is a hole: `invalid_argument`
 * naming the field.
 */
export function customSeccomp(text: string, target: SeccompTarget): OciSeccomp {
  const profile = parse(text)
  const architecture = normalizePlatform({ os: 'linux', architecture: target.architecture }).architecture
  const { architectures, archMap, syscalls, defaultAction, defaultErrnoRet, flags, listenerPath, listenerMetadata } = profile
  if (architectures?.length && archMap?.length) throw invalid('has both "architectures" and "archMap"')
  const own = SECCOMP_ARCHITECTURES[architecture]?.[0]
  const mapped = archMap?.find((entry) => entry.architecture === own)
  const names = architectures ?? (mapped && [mapped.architecture, ...(mapped.subArchitectures ?? [])])
  return {
    defaultAction,
    ...(defaultErrnoRet == null ? {} : { defaultErrnoRet }),
    ...(names === undefined || names === null ? {} : { architectures: names }),
    ...(flags == null ? {} : { flags }),
    ...(listenerPath == null ? {} : { listenerPath }),
    ...(listenerMetadata == null ? {} : { listenerMetadata }),
    syscalls: (syscalls ?? []).flatMap((rule, index) => toRule(rule, index, { ...target, architecture })),
  }
}

const schema = once(() => {
  const nullish = <T extends z.ZodMiniType>(type: T): z.ZodMiniOptional<z.ZodMiniNullable<T>> => z.optional(z.nullable(type))
  const strings = nullish(z.array(z.string()))
  const action = z.enum(ACTIONS)
  const uint = z.number().check(z.int(), z.gte(0))
  // 64 bits: what is beyond a double's precision is refused rather than rounded.
  const value = z.number().check(
    z.gte(0),
    z.refine((number) => Number.isSafeInteger(number)),
  )
  const condition = nullish(
    z.strictObject({ caps: strings, arches: strings, minKernel: nullish(z.string().check(z.regex(/^(?:\d+\.\d+)?$/))) }),
  )
  return z.strictObject({
    $schema: z.optional(z.string()),
    defaultAction: action,
    defaultErrnoRet: nullish(uint),
    architectures: strings,
    archMap: nullish(z.array(z.strictObject({ architecture: z.string(), subArchitectures: strings }))),
    flags: strings,
    listenerPath: nullish(z.string()),
    listenerMetadata: nullish(z.string()),
    syscalls: nullish(
      z.array(
        z.strictObject({
          name: z.optional(z.string()),
          names: strings,
          action,
          errnoRet: nullish(uint),
          args: nullish(
            z.array(
              z.strictObject({
                index: uint.check(z.lte(5)),
                value,
                valueTwo: nullish(value),
                op: z.enum(OPERATORS),
              }),
            ),
          ),
          comment: nullish(z.string()),
          includes: condition,
          excludes: condition,
        }),
      ),
    ),
  })
})

function parse(text: string): Profile {
  if (text.length > MAX_PROFILE_CHARACTERS) throw invalid(`is longer than ${MAX_PROFILE_CHARACTERS} characters`)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw invalid('is not JSON', cause)
  }
  const result = z.safeParse(schema(), json)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const path = [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])].map(String).join('.')
  throw invalid(path === '' ? 'is no seccomp profile' : `has a wrong or unknown "${path}"`, result.error)
}

function toRule(rule: NonNullable<Profile['syscalls']>[number], index: number, target: SeccompTarget): OciSyscall[] {
  const { name, names, action, errnoRet, args, includes, excludes } = rule
  if (name !== undefined && name !== '' && names?.length) throw invalid(`has both "name" and "names" in "syscalls.${index}"`)
  const all = names?.length ? names : name ? [name] : []
  if (all.length === 0) throw invalid(`has no names in "syscalls.${index}"`)
  if (includes && !includesHold(includes, target)) return []
  if (excludes && excludesHold(excludes, target)) return []
  return [
    {
      names: all,
      action,
      ...(errnoRet == null ? {} : { errnoRet }),
      ...(args?.length
        ? {
            args: args.map((arg) => ({
              index: arg.index,
              value: arg.value,
              ...(arg.valueTwo == null ? {} : { valueTwo: arg.valueTwo }),
              op: arg.op,
            })),
          }
        : {}),
    },
  ]
}

/** All that is said must be so. */
function includesHold({ caps, arches, minKernel }: Condition, target: SeccompTarget): boolean {
  return (
    (!caps || caps.every((name) => target.capabilities.includes(name))) &&
    (!arches?.length || hasArchitecture(arches, target)) &&
    (!minKernel || isSince(minKernel, target))
  )
}

/** Any of it is enough. */
function excludesHold({ caps, arches, minKernel }: Condition, target: SeccompTarget): boolean {
  return (
    (caps?.some((name) => target.capabilities.includes(name)) ?? false) ||
    (arches !== null && arches !== undefined && hasArchitecture(arches, target)) ||
    (minKernel ? isSince(minKernel, target) : false)
  )
}

/** Profiles name some architectures as libseccomp does. */
function hasArchitecture(arches: readonly string[], { architecture }: SeccompTarget): boolean {
  const other: Readonly<Record<string, string>> = { 386: 'x86', mips64le: 'mipsel64', mipsle: 'mipsel' }
  return arches.includes(architecture) || arches.includes(other[architecture] ?? architecture)
}

function isSince(version: string, { kernel }: SeccompTarget): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return kernelAtLeast(kernel, major, minor)
}

function invalid(why: string, cause?: unknown): EngineError {
  return new EngineError('invalid_argument', `security.seccomp: the "profile" ${why}`, cause === undefined ? {} : { cause })
}
