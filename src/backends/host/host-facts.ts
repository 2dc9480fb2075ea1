// What the files of /proc say about a machine. Pure.
import { CAPABILITIES } from '../../oci/capabilities.js'
import type { HostFacts } from '../../ports/engine/host.js'

export interface MountLine {
  readonly mountPoint: string
  readonly type: string
  /** Of the file system itself. */
  readonly options: readonly string[]
}

/** `/proc/<pid>/mountinfo`; the later of two lines with one mount point covers the earlier. */
export function parseMountInfo(text: string): MountLine[] {
  return text.split('\n').flatMap((line) => {
    const [before, after] = line.split(' - ', 2)
    const mountPoint = before?.split(' ')[4]
    const [type, , options] = after?.split(' ') ?? []
    if (mountPoint === undefined || type === undefined) return []
    return [{ mountPoint: decodeOctal(mountPoint), type, options: (options ?? '').split(',') }]
  })
}
/** Space, tab, newline and backslash come in octal. */
function decodeOctal(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}

/** The type of the file system that a path without links is on. */
export function filesystemOf(mounts: readonly MountLine[], path: string): string | undefined {
  let found: MountLine | undefined
  for (const mount of mounts) {
    const { mountPoint } = mount
    const covers = mountPoint === '/' || path === mountPoint || path.startsWith(`${mountPoint}/`)
    if (covers && (found === undefined || mountPoint.length >= found.mountPoint.length)) found = mount
  }
  return found?.type
}

const cgroupRoot = '/sys/fs/cgroup'
export interface CgroupLayout {
  readonly kind: HostFacts['cgroups']
  /** Of the v1 hierarchies; v2 lists its own in a file. */
  readonly controllers: readonly string[]
}
const v1Controllers = new Set([
  'cpu',
  'cpuacct',
  'cpuset',
  'memory',
  'devices',
  'freezer',
  'blkio',
  'pids',
  'net_cls',
  'net_prio',
  'hugetlb',
  'perf_event',
  'rdma',
  'misc',
])
/** Undefined: no cgroups are mounted in the usual place. */
export function cgroupLayout(mounts: readonly MountLine[]): CgroupLayout | undefined {
  const here = mounts.filter(({ mountPoint }) => mountPoint === cgroupRoot || mountPoint.startsWith(`${cgroupRoot}/`))
  const v1 = here.filter(({ type }) => type === 'cgroup')
  const controllers = v1.flatMap(({ options }) => options.filter((option) => v1Controllers.has(option)))
  if (here.findLast(({ mountPoint }) => mountPoint === cgroupRoot)?.type === 'cgroup2') return { kind: 'v2', controllers: [] }
  if (v1.length === 0) return undefined
  return { kind: here.some(({ type }) => type === 'cgroup2') ? 'hybrid' : 'v1', controllers }
}

/** One of the sets in `/proc/<pid>/status`, e.g. `CapBnd`. Bits that are not known here are left out: nobody could name them. */
export function parseCapabilities(status: string, set: 'CapBnd' | 'CapEff'): string[] {
  const [, hex] = new RegExp(`^${set}:\\s*([0-9a-f]+)$`, 'm').exec(status) ?? []
  const bits = BigInt(`0x${hex ?? '0'}`)
  return CAPABILITIES.filter((_name, bit) => ((bits >> BigInt(bit)) & 1n) === 1n)
}

/** `/proc/<pid>/limits` by the beginning of the line. */
const limitNames: Readonly<Record<string, string>> = {
  'Max cpu time': 'cpu',
  'Max file size': 'fsize',
  'Max data size': 'data',
  'Max stack size': 'stack',
  'Max core file size': 'core',
  'Max resident set': 'rss',
  'Max processes': 'nproc',
  'Max open files': 'nofile',
  'Max locked memory': 'memlock',
  'Max address space': 'as',
  'Max file locks': 'locks',
  'Max pending signals': 'sigpending',
  'Max msgqueue size': 'msgqueue',
  'Max nice priority': 'nice',
  'Max realtime priority': 'rtprio',
  'Max realtime timeout': 'rttime',
}
export function parseHardLimits(limits: string): Record<string, number> {
  const found: Record<string, number> = {}
  for (const line of limits.split('\n')) {
    const [, label, hard] = /^(Max [a-z ]+?)\s+(?:\d+|unlimited)\s+(\d+|unlimited)/.exec(line) ?? []
    const name = label === undefined ? undefined : limitNames[label]
    if (name !== undefined) found[name] = hard === 'unlimited' ? -1 : Number(hard)
  }
  return found
}

/** Are all ids those of the machine, as far as this process can see? */
export function hasAllIds(idMap: string): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(idMap)
}

/** Can it run where there are no libraries? Only ELF files ask for an interpreter that way. */
export function isStaticProgram(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < 64 || view.getUint32(0) !== 0x7f454c46) return false
  const wide = view.getUint8(4) === 2
  const little = view.getUint8(5) === 1
  const start = wide ? Number(view.getBigUint64(32, little)) : view.getUint32(28, little)
  const size = view.getUint16(wide ? 54 : 42, little)
  const count = view.getUint16(wide ? 56 : 44, little)
  const interpreter = 3
  for (let n = 0; n < count; n += 1) {
    const at = start + n * size
    if (at + 4 > bytes.length) return false
    if (view.getUint32(at, little) === interpreter) return false
  }
  return count > 0
}
