// What the kernel's cgroup files say. Pure: text in, numbers out; absent where a line is.
import type { ResourceSample } from '../../../ports/engine/tasks.js'

export interface CgroupTree {
  readonly version: 'v1' | 'v2'
  /** v1: mount point by controller. v2: under the empty name. */
  readonly mounts: Readonly<Record<string, string>>
  /** Of every hierarchy, named ones and the v2 one of a hybrid tree included. */
  readonly all: readonly string[]
}
const v1Controllers = ['memory', 'cpu', 'cpuacct', 'pids', 'blkio', 'freezer']

/** From the text of /proc/self/mountinfo. A hybrid tree counts as v1, as runtimes count it. */
export function cgroupTree(mountinfo: string): CgroupTree {
  const mounts: Record<string, string> = {}
  const all: string[] = []
  let unified: string | undefined
  for (const line of mountinfo.split('\n')) {
    const [before = '', after = ''] = line.split(' - ')
    const point = before.split(' ')[4]
    const [type, , options = ''] = after.split(' ')
    if (point === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue
    all.push(point)
    if (type === 'cgroup2') unified ??= point
    if (type !== 'cgroup') continue
    for (const controller of options.split(',')) if (v1Controllers.includes(controller)) mounts[controller] ??= point
  }
  if (Object.keys(mounts).length > 0 || unified === undefined) return { version: 'v1', mounts, all }
  return { version: 'v2', mounts: { '': unified }, all }
}

/** How often the OOM killer took one from this cgroup: of `memory.oom_control` (v1) or `memory.events` (v2). */
export function oomKills(text: string): number | undefined {
  return keyed(text)['oom_kill']
}
/** Of `freezer.state` (v1) or `cgroup.events` (v2). What is about to freeze (v1) does not hear of a kill any more either. */
export function isFrozen(text: string): boolean {
  return /^(?:FROZEN|FREEZING)\s*$/.test(text) || keyed(text)['frozen'] === 1
}
/** Of `cgroup.procs`. */
export function processIds(text: string): readonly number[] {
  return text.split('\n').flatMap((line) => (/^[1-9]\d*$/.test(line) ? [Number(line)] : []))
}
/** Lines of `name number`. */
export function keyed(text: string): Readonly<Record<string, number | undefined>> {
  const values: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const [, name, value] = /^(\S+)\s+(\d+)$/.exec(line) ?? []
    if (name !== undefined) values[name] = Number(value)
  }
  return values
}

/** The text of each file, by the name below; absent where it could not be read. */
export type V1Files = Readonly<Partial<Record<'usage' | 'cpuStat' | 'memory' | 'memoryStat' | 'memoryLimit' | 'pids' | 'io', string>>>
export type V2Files = Readonly<Partial<Record<'cpuStat' | 'memory' | 'memoryStat' | 'memoryLimit' | 'pids' | 'io', string>>>

/** The kernel's way to say "no limit" is a number near 2^63, rounded to pages. */
const unlimited = 2 ** 62

export function sampleV1(files: V1Files, time: Date): ResourceSample {
  const stat = keyed(files.memoryStat ?? '')
  const inactive = stat['total_inactive_file'] ?? 0
  const limit = number(files.memoryLimit)
  const io = totals(files.io ?? '', /^\S+ (Read|Write) (\d+)$/)
  return {
    time,
    cpuNanos: number(files.usage) ?? 0,
    throttledNanos: keyed(files.cpuStat ?? '')['throttled_time'],
    memoryBytes: Math.max(0, (number(files.memory) ?? 0) - inactive),
    cacheBytes: stat['total_cache'],
    memoryLimitBytes: limit === undefined || limit >= unlimited ? undefined : limit,
    pids: number(files.pids),
    readBytes: files.io === undefined ? undefined : (io['Read'] ?? 0),
    writtenBytes: files.io === undefined ? undefined : (io['Write'] ?? 0),
  }
}
export function sampleV2(files: V2Files, time: Date): ResourceSample {
  const cpu = keyed(files.cpuStat ?? '')
  const stat = keyed(files.memoryStat ?? '')
  const io: Record<string, number> = {}
  for (const [, name, value] of (files.io ?? '').matchAll(/\b(rbytes|wbytes)=(\d+)/g))
    io[name as string] = (io[name as string] ?? 0) + Number(value)
  const throttled = cpu['throttled_usec']
  return {
    time,
    cpuNanos: (cpu['usage_usec'] ?? 0) * 1_000,
    throttledNanos: throttled === undefined ? undefined : throttled * 1_000,
    memoryBytes: Math.max(0, (number(files.memory) ?? 0) - (stat['inactive_file'] ?? 0)),
    cacheBytes: stat['file'],
    memoryLimitBytes: number(files.memoryLimit),
    pids: number(files.pids),
    readBytes: files.io === undefined ? undefined : (io['rbytes'] ?? 0),
    writtenBytes: files.io === undefined ? undefined : (io['wbytes'] ?? 0),
  }
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\s*$/.test(text) ? Number(text) : undefined
}
function totals(text: string, pattern: RegExp): Record<string, number | undefined> {
  const sums: Record<string, number> = {}
  for (const line of text.split('\n')) {
    const [, name, value] = pattern.exec(line) ?? []
    if (name !== undefined) sums[name] = (sums[name] ?? 0) + Number(value)
  }
  return sums
}
