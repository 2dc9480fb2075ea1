import { expect, it } from 'vitest'
import { answer, type CheckTexts } from '../../../../src/backends/host/host-checks.js'
import {
  cgroupLayout,
  filesystemOf,
  hasAllIds,
  isStaticProgram,
  parseCapabilities,
  parseHardLimits,
  parseMountInfo,
} from '../../../../src/backends/host/host-facts.js'

const line = (mountPoint: string, type: string, options = 'rw', extra = ''): string =>
  `30 20 0:21 / ${mountPoint} rw,relatime ${extra}- ${type} ${type} ${options}`
const v2 = [line('/', 'ext4'), line('/proc', 'proc'), line('/sys/fs/cgroup', 'cgroup2', 'rw,nsdelegate', 'shared:4 ')].join('\n')
const v1 = [
  line('/', 'ext4'),
  line('/sys/fs/cgroup', 'tmpfs', 'rw,mode=755'),
  line('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'),
  line('/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
  line('/sys/fs/cgroup/systemd', 'cgroup', 'rw,xattr,name=systemd'),
].join('\n')
const hybrid = `${v1}\n${line('/sys/fs/cgroup/unified', 'cgroup2')}\n`

it('the cgroup layout is told from the mounts, v1 controllers with it', () => {
  expect(cgroupLayout(parseMountInfo(v2))).toEqual({ kind: 'v2', controllers: [] })
  expect(cgroupLayout(parseMountInfo(v1))).toEqual({ kind: 'v1', controllers: ['cpu', 'cpuacct', 'memory'] })
  expect(cgroupLayout(parseMountInfo(hybrid))?.kind).toBe('hybrid')
  expect(cgroupLayout(parseMountInfo(line('/', 'ext4')))).toBeUndefined()
  expect(cgroupLayout(parseMountInfo(''))).toBeUndefined()
})

it('the file system of a path is that of the longest mount point, of equal ones the last', () => {
  const mounts = parseMountInfo(
    [
      line('/', 'overlay'),
      line('/var/lib', 'xfs'),
      line('/var/lib/a\\040b', 'btrfs'),
      line('/var/lib', 'ext4', 'rw', 'shared:1 master:2 '),
    ].join('\n'),
  )
  expect(filesystemOf(mounts, '/home')).toBe('overlay')
  expect(filesystemOf(mounts, '/var/library')).toBe('overlay')
  expect(filesystemOf(mounts, '/var/lib')).toBe('ext4')
  expect(filesystemOf(mounts, '/var/lib/a b/c')).toBe('btrfs')
  expect(filesystemOf([], '/')).toBeUndefined()
})

it('capabilities come by name in the order of the kernel, unknown bits not at all', () => {
  const status = 'Name:\tnode\nCapEff:\t0000000000000000\nCapBnd:\t000001fffeffffff\nCapAmb:\t0000000000000000\n'
  const names = parseCapabilities(status, 'CapBnd')
  expect(names).toHaveLength(40)
  expect(names.slice(0, 2)).toEqual(['CAP_CHOWN', 'CAP_DAC_OVERRIDE'])
  expect(names).not.toContain('CAP_SYS_RESOURCE')
  expect(names.at(-1)).toBe('CAP_CHECKPOINT_RESTORE')
  expect(parseCapabilities(status, 'CapEff')).toEqual([])
  expect(parseCapabilities('CapBnd:\tffffffffffffffff\n', 'CapBnd')).toHaveLength(41)
  expect(parseCapabilities('', 'CapBnd')).toEqual([])
})

it('hard limits have the names of ulimits; unlimited is -1', () => {
  const text = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max core file size        0                    4096                 bytes     
Max open files            1024                 20000                files     
Max nice priority         0                    0                    
Max realtime timeout      unlimited            unlimited            us        
Max something new         1                    2                    bytes     
`
  expect(parseHardLimits(text)).toEqual({ cpu: -1, core: 4096, nofile: 20_000, nice: 0, rttime: -1 })
})

it('all ids are mapped only by the map of the first namespace or one like it', () => {
  expect(hasAllIds('         0          0 4294967295\n')).toBe(true)
  expect(hasAllIds('         0     100000      65536\n')).toBe(false)
  expect(hasAllIds('         0       1000          1\n         1     100000      65536\n')).toBe(false)
  expect(hasAllIds('')).toBe(false)
})

it('a program is static when it is ELF and names no interpreter', () => {
  const elf = (types: readonly number[], big = false): Buffer => {
    const bytes = Buffer.alloc(64 + types.length * 56)
    bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, big ? 2 : 1])
    const write16 = (value: number, at: number): unknown => (big ? bytes.writeUInt16BE(value, at) : bytes.writeUInt16LE(value, at))
    const write32 = (value: number, at: number): unknown => (big ? bytes.writeUInt32BE(value, at) : bytes.writeUInt32LE(value, at))
    if (big) bytes.writeBigUInt64BE(64n, 32)
    else bytes.writeBigUInt64LE(64n, 32)
    write16(56, 54)
    write16(types.length, 56)
    for (const [n, type] of types.entries()) write32(type, 64 + n * 56)
    return bytes
  }
  expect(isStaticProgram(elf([1, 2, 1]))).toBe(true)
  expect(isStaticProgram(elf([1, 1], true))).toBe(true)
  expect(isStaticProgram(elf([6, 3, 1]))).toBe(false)
  expect(isStaticProgram(elf([6, 3, 1], true))).toBe(false)
  expect(isStaticProgram(elf([1, 2, 1]).subarray(0, 100))).toBe(false)
  expect(isStaticProgram(Buffer.from('#!/bin/sh\n'.repeat(20)))).toBe(false)
  expect(isStaticProgram(Buffer.alloc(3))).toBe(false)
})

const machine: CheckTexts = {
  filesystems: 'nodev\tproc\n\text4\nnodev\toverlay\n',
  modules: '',
  builtinModules: '',
  mountInfo: v2,
  v2Controllers: 'cpuset cpu io memory pids\n',
  status: 'CapEff:\t000001ffffffffff\n',
  idMap: '0 0 4294967295\n',
  maxUserNamespaces: '96365\n',
  uid: 0,
}
const answers = (change: Partial<CheckTexts>): Record<string, string> =>
  Object.fromEntries(answer({ ...machine, ...change }).map(({ name, answer: word }) => [name, word]))

it('checks answer yes for a machine that has all', () => {
  expect(answers({})).toEqual({ overlay: 'yes', cgroups: 'yes', rights: 'yes', user_namespaces: 'yes' })
})

it('each check finds what is missing, and says what to do', () => {
  expect(answers({ filesystems: '\text4\nnodev\tfuse.overlay\n' })['overlay']).toBe('no')
  expect(answers({ filesystems: '', modules: 'kernel/fs/overlayfs/overlay.ko.xz: kernel/x.ko\n' })['overlay']).toBe('limited')
  expect(answers({ filesystems: '', builtinModules: 'kernel/fs/overlayfs/overlay.ko\n' })['overlay']).toBe('limited')
  expect(answers({ v2Controllers: 'cpu memory\n' })['cgroups']).toBe('limited')
  expect(answers({ mountInfo: v1 })['cgroups']).toBe('limited')
  expect(answers({ mountInfo: undefined })['cgroups']).toBe('no')
  expect(answers({ uid: 1000 })['rights']).toBe('no')
  expect(answers({ status: 'CapEff:\t00000000a80425fb\n' })['rights']).toBe('no')
  expect(answers({ idMap: '0 1000 1\n' })['rights']).toBe('limited')
  expect(answers({ status: 'CapEff:\t000001fffeffffff\n' })['rights']).toBe('limited')
  expect(answers({ maxUserNamespaces: '0\n' })['user_namespaces']).toBe('no')
  expect(answers({ maxUserNamespaces: undefined })['user_namespaces']).toBe('no')
  for (const { name, answer: word, remedy } of answer({ ...machine, filesystems: '', mountInfo: '', uid: 1, maxUserNamespaces: '0' })) {
    expect(word, name).toBe('no')
    expect(remedy, name).toBeDefined()
  }
})
