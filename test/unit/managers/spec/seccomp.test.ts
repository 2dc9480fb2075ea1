import { describe, expect, it } from 'vitest'
import { DEFAULT_CAPABILITIES } from '../../../../src/managers/spec/capabilities.js'
import { defaultSeccomp, kernelAtLeast, type SeccompTarget } from '../../../../src/managers/spec/seccomp.js'
import { ALWAYS, BY_CAPABILITY } from '../../../../src/managers/spec/seccomp-syscalls.js'
import { customSeccomp } from '../../../../src/managers/spec/seccomp-profile.js'
import type { OciSeccomp } from '../../../../src/oci/runtime-spec.js'

const target: SeccompTarget = { architecture: 'amd64', kernel: '6.1.0', capabilities: DEFAULT_CAPABILITIES }
const allowed = ({ syscalls }: OciSeccomp): ReadonlySet<string> =>
  new Set(syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && args === undefined).flatMap(({ names }) => names))
const rules = ({ syscalls }: OciSeccomp, name: string): OciSeccomp['syscalls'] =>
  syscalls.filter(({ names }) => names.length === 1 && names[0] === name)

describe('the default seccomp profile', () => {
  it('refuses with EPERM what it does not name', () => {
    expect(defaultSeccomp(target)).toMatchObject({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 })
    for (const name of [
      'mount',
      'unshare',
      'setns',
      'keyctl',
      'add_key',
      'kexec_load',
      'init_module',
      'reboot',
      'bpf',
      'userfaultfd',
      'io_uring_setup',
      'open_by_handle_at',
      'clock_settime',
      'swapon',
      'pivot_root',
    ]) {
      expect(allowed(defaultSeccomp(target))).not.toContain(name)
    }
  })
  it('has no rules for interfaces that the kernel does not serve, and all where it does not tell', () => {
    const architectures = (furtherAbis?: SeccompTarget['furtherAbis']) => defaultSeccomp({ ...target, furtherAbis }).architectures
    expect(architectures()).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
    expect(architectures(['i386'])).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'])
    expect(architectures([])).toEqual(['SCMP_ARCH_X86_64'])
    expect(defaultSeccomp({ ...target, architecture: 'arm64', furtherAbis: [] }).architectures).toContain('SCMP_ARCH_ARM')
  })
  it('names no call twice', () => {
    const names = Object.values(ALWAYS).flat()
    expect(new Set(names).size).toBe(names.length)
  })
  it('opens with a capability what belongs to it', () => {
    for (const [capability, names] of Object.entries(BY_CAPABILITY)) {
      const open = allowed(defaultSeccomp({ ...target, capabilities: [capability] }))
      expect(names.filter((name) => !open.has(name))).toEqual([])
    }
  })
  it('lets nobody without CAP_SYS_ADMIN make namespaces, and hides clone3 from him', () => {
    expect(rules(defaultSeccomp(target), 'clone')).toEqual([
      { names: ['clone'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 0x7e020000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }] },
    ])
    expect(rules(defaultSeccomp(target), 'clone3')).toEqual([{ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }])
    const admin = defaultSeccomp({ ...target, capabilities: ['CAP_SYS_ADMIN'] })
    expect([...rules(admin, 'clone'), ...rules(admin, 'clone3')]).toEqual([])
  })
  it('looks at the second argument of clone on s390x', () => {
    expect(rules(defaultSeccomp({ ...target, architecture: 's390x' }), 'clone')[0]?.args?.[0]?.index).toBe(1)
  })
  it('allows tracing from Linux 4.8 on', () => {
    expect(allowed(defaultSeccomp(target))).toContain('ptrace')
    expect(allowed(defaultSeccomp({ ...target, kernel: '4.7.10' }))).not.toContain('ptrace')
  })
  it('keeps AF_VSOCK and other personalities out', () => {
    expect(rules(defaultSeccomp(target), 'socket')).toMatchObject([{ args: [{ index: 0, value: 40, op: 'SCMP_CMP_NE' }] }])
    expect(rules(defaultSeccomp(target), 'personality').map(({ args }) => args?.[0]?.value)).toEqual([0, 8, 0x20000, 0x20008, 0xffffffff])
    expect(allowed(defaultSeccomp(target))).not.toContain('socket')
  })
  it('knows each architecture by any of its names', () => {
    expect(defaultSeccomp({ ...target, architecture: 'x64' }).architectures).toEqual(['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'])
    expect(defaultSeccomp({ ...target, architecture: 'aarch64' }).architectures).toEqual(['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'])
    expect(allowed(defaultSeccomp({ ...target, architecture: 'arm64' }))).not.toContain('arch_prctl')
    expect(defaultSeccomp({ ...target, architecture: 'vax' })).not.toHaveProperty('architectures')
  })
  it('is made once for one target', () => {
    expect(defaultSeccomp({ ...target, capabilities: [...target.capabilities].reverse() })).toBe(defaultSeccomp(target))
    expect(defaultSeccomp({ ...target, capabilities: [] })).not.toBe(defaultSeccomp(target))
  })
  it.each([
    ['4.8', true],
    ['4.8.0-rc1', true],
    ['4.10.1', true],
    ['10.1', true],
    ['4.7', false],
    ['3.19', false],
    ['', false],
    ['x', false],
  ])('reads kernel %j as 4.8 or later: %s', (kernel, later) => {
    expect(kernelAtLeast(kernel, 4, 8)).toBe(later)
  })
})

describe('a profile that a user brings', () => {
  const custom = (json: unknown, more: Partial<SeccompTarget> = {}): OciSeccomp =>
    customSeccomp(typeof json === 'string' ? json : JSON.stringify(json), { ...target, ...more })
  it('is taken in the OCI form as it is', () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] }],
    }
    expect(custom(profile)).toEqual(profile)
  })
  it("is worked out in Docker's form", () => {
    const rule = (more: object): object => ({ names: ['x'], action: 'SCMP_ACT_ALLOW', ...more })
    const count = (more: object, targetMore?: Partial<SeccompTarget>): number =>
      custom({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule(more)] }, targetMore).syscalls.length
    expect(count({ includes: {}, excludes: {} })).toBe(1)
    expect(count({ includes: { caps: ['CAP_CHOWN'] } })).toBe(1)
    expect(count({ includes: { caps: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] } })).toBe(0)
    expect(count({ excludes: { caps: ['CAP_SYS_ADMIN', 'CAP_CHOWN'] } })).toBe(0)
    expect(count({ includes: { arches: ['amd64'] } })).toBe(1)
    expect(count({ includes: { arches: ['arm64'] } })).toBe(0)
    expect(count({ excludes: { arches: ['x86'] } }, { architecture: '386' })).toBe(0)
    expect(count({ includes: { minKernel: '6.2' } })).toBe(0)
    expect(count({ excludes: { minKernel: '4.8' } })).toBe(0)
    expect(count({ comment: 'c', name: '', args: [] })).toBe(1)
  })
  it('finds the architecture in its map', () => {
    const archMap = [
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: null },
    ]
    expect(custom({ defaultAction: 'SCMP_ACT_ERRNO', archMap, syscalls: null }).architectures).toEqual(['SCMP_ARCH_X86_64'])
    expect(custom({ defaultAction: 'SCMP_ACT_ERRNO', archMap }, { architecture: 'arm64' }).architectures).toEqual([
      'SCMP_ARCH_AARCH64',
      'SCMP_ARCH_ARM',
    ])
  })
  it.each([
    ['no JSON', 'x'],
    ['no object', '[]'],
    ['no default action', {}],
    ['an unknown action', { defaultAction: 'ALLOW' }],
    ['an action that no runtime has', { defaultAction: 'SCMP_ACT_NONE' }],
    ['an unknown field', { defaultAction: 'SCMP_ACT_ERRNO', sysCalls: [] }],
    [
      'an unknown condition',
      { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['x'], action: 'SCMP_ACT_ALLOW', includes: { cap: [] } }] },
    ],
    ['a rule without names', { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ action: 'SCMP_ACT_ALLOW' }] }],
    ['two spellings of names', { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ name: 'x', names: ['y'], action: 'SCMP_ACT_ALLOW' }] }],
    ['two lists of architectures', { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['A'], archMap: [{ architecture: 'A' }] }],
    [
      'a number beyond precision',
      {
        defaultAction: 'SCMP_ACT_ERRNO',
        syscalls: [{ names: ['x'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 2 ** 64, op: 'SCMP_CMP_EQ' }] }],
      },
    ],
    [
      'a seventh argument',
      {
        defaultAction: 'SCMP_ACT_ERRNO',
        syscalls: [{ names: ['x'], action: 'SCMP_ACT_ALLOW', args: [{ index: 6, value: 0, op: 'SCMP_CMP_EQ' }] }],
      },
    ],
  ])('with %s is refused', (_title, profile) => {
    expect(() => custom(profile)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('security.seccomp') as string }),
    )
  })
})
