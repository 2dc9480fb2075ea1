// The default seccomp profile, made for one processor, kernel and set of capabilities.
import type { OciSeccomp, OciSyscall, OciSyscallArg } from '../../oci/runtime-spec.js'
import { normalizePlatform } from '../../oci/platform.js'
import { ALWAYS, BY_ARCHITECTURE, BY_CAPABILITY, SINCE_4_8 } from './seccomp-syscalls.js'

export interface SeccompTarget {
  /** In any spelling: `x64`, `x86_64`, `amd64`. */
  readonly architecture: string
  /** As `uname -r` says. */
  readonly kernel: string
  /** The bounding set, with `CAP_`. */
  readonly capabilities: readonly string[]
  /** Of the kernel, if it tells: rules for others only make each start slower, by some milliseconds each. */
  readonly furtherAbis?: readonly string[] | undefined
}
/** What a kernel may be built without. */
const OPTIONAL_ABIS: Readonly<Record<string, string>> = { SCMP_ARCH_X86: 'i386', SCMP_ARCH_X32: 'x32' }

/** By architecture as images name it: its own name, then those of the older ones that its kernel runs as well. */
export const SECCOMP_ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  amd64: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'],
  386: ['SCMP_ARCH_X86'],
  arm64: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
  arm: ['SCMP_ARCH_ARM'],
  ppc64le: ['SCMP_ARCH_PPC64LE'],
  ppc64: ['SCMP_ARCH_PPC64'],
  riscv64: ['SCMP_ARCH_RISCV64'],
  s390x: ['SCMP_ARCH_S390X', 'SCMP_ARCH_S390'],
  mips64: ['SCMP_ARCH_MIPS64', 'SCMP_ARCH_MIPS', 'SCMP_ARCH_MIPS64N32'],
  mips64le: ['SCMP_ARCH_MIPSEL64', 'SCMP_ARCH_MIPSEL', 'SCMP_ARCH_MIPSEL64N32'],
  mipsle: ['SCMP_ARCH_MIPSEL'],
}

const EPERM = 1
const ENOSYS = 38
/** Every CLONE_NEW* that `clone` takes: new namespaces are for those with CAP_SYS_ADMIN. */
const NAMESPACE_FLAGS = 0x7e020000
/** AF_VSOCK leads to the hypervisor past every network namespace. */
const AF_VSOCK = 40
/** Linux, 32-bit Linux, both with UNAME26, and the question which one it is. */
const PERSONALITIES: readonly number[] = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff]

const CACHE_SIZE = 64
const cache = new Map<string, OciSeccomp>()

/** The same target gives the same object. */
export function defaultSeccomp(target: SeccompTarget): OciSeccomp {
  const { architecture } = normalizePlatform({ os: 'linux', architecture: target.architecture })
  const key = [architecture, kernelAtLeast(target.kernel, 4, 8), target.furtherAbis ?? 'any', ...[...target.capabilities].sort()].join(' ')
  const known = cache.get(key)
  if (known !== undefined) return known
  const profile = makeProfile(architecture, kernelAtLeast(target.kernel, 4, 8), new Set(target.capabilities), target.furtherAbis)
  if (cache.size >= CACHE_SIZE) cache.clear()
  cache.set(key, profile)
  return profile
}

/** An unreadable version counts as old. */
export function kernelAtLeast(kernel: string, major: number, minor: number): boolean {
  const [, first, second] = /^(\d+)\.(\d+)/.exec(kernel) ?? []
  const [a, b] = [Number(first ?? 0), Number(second ?? 0)]
  return a > major || (a === major && b >= minor)
}

function makeProfile(
  architecture: string,
  tracing: boolean,
  capabilities: ReadonlySet<string>,
  furtherAbis: readonly string[] | undefined,
): OciSeccomp {
  const allowed = new Set([...Object.values(ALWAYS).flat(), ...(BY_ARCHITECTURE[architecture] ?? []), ...(tracing ? SINCE_4_8 : [])])
  for (const [capability, names] of Object.entries(BY_CAPABILITY)) {
    if (capabilities.has(capability)) for (const name of names) allowed.add(name)
  }
  const admin = capabilities.has('CAP_SYS_ADMIN')
  const flagsIndex = architecture === 's390x' ? 1 : 0
  const syscalls: readonly OciSyscall[] = [
    { names: [...allowed].sort(), action: 'SCMP_ACT_ALLOW' },
    allowIf('socket', { index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }),
    ...PERSONALITIES.map((value) => allowIf('personality', { index: 0, value, op: 'SCMP_CMP_EQ' })),
    ...(admin
      ? []
      : [
          allowIf('clone', { index: flagsIndex, value: NAMESPACE_FLAGS, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }),
          // Its flags lie in memory, where no filter sees them; told that it is not there, C libraries fall back to clone.
          { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
        ]),
  ]
  const architectures = SECCOMP_ARCHITECTURES[architecture]?.filter((name) => {
    const abi = architecture === 'amd64' ? OPTIONAL_ABIS[name] : undefined
    return abi === undefined || furtherAbis === undefined || furtherAbis.includes(abi)
  })
  return { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: EPERM, ...(architectures === undefined ? {} : { architectures }), syscalls }
}

function allowIf(name: string, arg: OciSyscallArg): OciSyscall {
  return { names: [name], action: 'SCMP_ACT_ALLOW', args: [arg] }
}
