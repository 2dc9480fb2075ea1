// What is there, told by tools that are not ours: containerd's own client, the mount table, the process table.
import { execFile } from 'node:child_process'
import { readdir, readFile, readlink, realpath, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual, promisify } from 'node:util'
import { isAbandoned, isHidden } from '../../src/backends/host/removals.js'

const execute = promisify(execFile)

/** Lines of `ctr`'s answer without the heading. */
export async function ctr(address: string, namespace: string, ...args: readonly string[]): Promise<string[]> {
  const { stdout } = await execute('ctr', ['--address', address, '--namespace', namespace, ...args], { maxBuffer: 64 << 20 })
  return stdout.split('\n').filter((line) => line !== '')
}

export interface DaemonContents {
  readonly containers: readonly string[]
  readonly tasks: readonly string[]
  /** Keys. */
  readonly snapshots: readonly string[]
  readonly leases: readonly string[]
  readonly images: readonly string[]
  readonly content: readonly string[]
}

/** Everything that a namespace of a containerd holds, sorted. */
export async function daemonContents(address: string, namespace: string): Promise<DaemonContents> {
  const rows = async (...args: readonly string[]): Promise<string[]> => {
    const lines = (await ctr(address, namespace, ...args)).slice(1)
    return lines.map((line) => line.split(/\s+/, 1)[0] ?? '').sort()
  }
  const [containers = [], tasks = [], snapshots = [], leases = [], images = [], content = []] = await Promise.all(
    ['containers', 'tasks', 'snapshots', 'leases', 'images', 'content'].map((kind) => rows(kind, 'ls')),
  )
  return { containers, tasks, snapshots, leases, images, content }
}

/** Where a root keeps what ends with the boot; only while an engine has it open. */
export async function runDirectoryOf(root: string): Promise<string> {
  return realpath(join(root, 'run'))
}

/** Mount points at or below a directory in this mount namespace. */
export async function mountsBelow(directory: string): Promise<string[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  return table.split('\n').flatMap((line) => {
    const point = line.split(' ')[4] ?? ''
    return point === directory || point.startsWith(`${directory}/`) ? [point] : []
  })
}

/** What an engine has started to free what it has hidden. */
const takesAway = /^rm -rf -- /
/** Live processes whose command line or working directory has the text, but for those; zombies have neither. */
export async function processesNaming(text: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    const line = (await readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '')).replaceAll('\0', ' ')
    const directory = await readlink(join('/proc', pid, 'cwd')).catch(() => '')
    if (`${line} ${directory}`.includes(text) && !takesAway.test(line)) found.push(`${pid} ${line.trim()}`)
  }
  return found
}

/** The same that are still there after the moment that one needs to end whose parent was killed, or whose task was deleted. */
export async function processesLeft(text: string): Promise<string[]> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const left = await processesNaming(text)
    if (left.length === 0 || performance.now() > deadline) return left
    await setTimeout(20)
  }
}
export function shimsLeft(namespace: string): Promise<string[]> {
  return processesLeft(`-namespace ${namespace} `)
}

/** Control groups below one, in any hierarchy. */
export async function cgroupsBelow(parent: string): Promise<string[]> {
  const found: string[] = []
  for (const directory of await cgroupDirectories(parent)) {
    const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) if (entry.isDirectory()) found.push(join(directory, entry.name))
  }
  return found
}
/** From every hierarchy; one that is not empty stays. */
export async function removeCgroup(parent: string): Promise<void> {
  for (const directory of await cgroupDirectories(parent)) await rmdir(directory).catch(() => {})
}
/** Where a control group would be, in every hierarchy. */
export async function cgroupDirectories(name: string): Promise<string[]> {
  const hierarchies = await readdir('/sys/fs/cgroup', { withFileTypes: true })
  return [
    join('/sys/fs/cgroup', name),
    ...hierarchies.flatMap((one) => (one.isDirectory() ? [join('/sys/fs/cgroup', one.name, name)] : [])),
  ]
}

/** Paths of files and directories below a directory, relative to it, sorted, but for what a living process has hidden and is about to remove. */
export async function filesBelow(directory: string): Promise<string[]> {
  return (await pathsBelow(directory)).filter((path) => path.split('/').every(isToBeSeen)).sort()
}
/** Node's own recursion ends at the first directory that goes meanwhile. */
async function pathsBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  const below = await Promise.all(
    entries.map(async (entry) => {
      const inner = entry.isDirectory() ? await pathsBelow(join(directory, entry.name)) : []
      return [entry.name, ...inner.map((path) => join(entry.name, path))]
    }),
  )
  return below.flat()
}

/** Names in a directory, with the same exception. */
export async function namesToBeSeen(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [])).filter(isToBeSeen)
}
function isToBeSeen(name: string): boolean {
  return !isHidden(name) || isAbandoned(name)
}

/** What this process has open, without the numbers of sockets and pipes. */
async function openKinds(): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd')
  const targets = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => undefined)))
  return targets.flatMap((target) => target?.replace(/^(socket|pipe):.*/, '$1') ?? []).sort()
}
/** Sockets that this process has open. */
export async function openSockets(): Promise<number> {
  return (await openKinds()).filter((kind) => kind === 'socket').length
}
/**
 * What this process has open, when two looks agree and nothing is being removed by a program. But for the two that hold each launcher: they
 * come with use, and go by themselves, one descriptor after the other.
 */
export async function openDescriptors(): Promise<string[]> {
  for (let last: string[] | undefined; ; ) {
    const [children, kinds] = [await childrenHere(), await openKinds()]
    kinds.splice(kinds.indexOf('socket'), 2 * children.filter((line) => line.includes('pouch-sdk-launcher')).length)
    const isRemoving = children.some((line) => line.startsWith('rm\0'))
    if (!isRemoving && isDeepStrictEqual(kinds, last)) return kinds
    last = isRemoving ? undefined : kinds
    await setTimeout(100)
  }
}

/** The command lines of this process's children. */
export async function childrenHere(): Promise<readonly string[]> {
  const threads = await readdir('/proc/self/task')
  const lists = await Promise.all(threads.map((thread) => readFile(`/proc/self/task/${thread}/children`, 'utf8').catch(() => '')))
  const pids = lists.join(' ').split(' ').filter(Boolean)
  return Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
}

/** SIGSTOP. Resolves when it has stopped: one with many threads goes on answering for a while on a busy machine. */
export async function halt(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  for (;;) {
    const threads = await readdir(`/proc/${pid}/task`)
    const stats = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => ''))) // one may end meanwhile
    if (stats.every((stat) => stat.includes(') T ') || stat === '')) return
    await setTimeout(10)
  }
}
