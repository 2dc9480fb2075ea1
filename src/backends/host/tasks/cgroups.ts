// Reads a container's cgroup on this host. Containers of a group of their own only: a path that leads elsewhere is not read.
import { readFile, readdir, rmdir } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import type { ResourceSample } from '../../../ports/engine/tasks.js'
import { sleep } from '../../../util/abort.js'
import { hasErrno } from '../../../util/fs-error.js'
import { once } from '../../../util/once.js'
import { readSmall } from '../small-files.js'
import { type CgroupTree, type V1Files, cgroupTree, isFrozen, oomKills, processIds, sampleV1, sampleV2 } from './cgroup-files.js'

/** How long the kernel is given to bury who was killed. */
const buriedMs = 2_000
const pauseMs = 50

const v1Names = {
  usage: ['cpuacct', 'cpuacct.usage'],
  cpuStat: ['cpu', 'cpu.stat'],
  memory: ['memory', 'memory.usage_in_bytes'],
  memoryStat: ['memory', 'memory.stat'],
  memoryLimit: ['memory', 'memory.limit_in_bytes'],
  pids: ['pids', 'pids.current'],
  io: ['blkio', 'blkio.throttle.io_service_bytes_recursive'],
} as const
const v2Names = {
  cpuStat: ['', 'cpu.stat'],
  memory: ['', 'memory.current'],
  memoryStat: ['', 'memory.stat'],
  memoryLimit: ['', 'memory.max'],
  pids: ['', 'pids.current'],
  io: ['', 'io.stat'],
} as const

export class Cgroups {
  readonly #tree: () => Promise<CgroupTree>

  constructor(tree: () => Promise<CgroupTree> = async () => cgroupTree(await readFile('/proc/self/mountinfo', 'utf8'))) {
    this.#tree = once(tree)
  }

  /** `path` as the spec has it. `undefined`: it cannot be known. */
  async oomKills(path: string | undefined): Promise<number | undefined> {
    const tree = await this.#tree()
    const text = tree.version === 'v1' ? glance(tree, path, 'memory', 'memory.oom_control') : glance(tree, path, '', 'memory.events')
    return text === undefined ? undefined : oomKills(text)
  }
  /** `undefined`: it cannot be known. */
  async isFrozen(path: string | undefined): Promise<boolean | undefined> {
    const tree = await this.#tree()
    const text = tree.version === 'v1' ? glance(tree, path, 'freezer', 'freezer.state') : glance(tree, path, '', 'cgroup.events')
    return text === undefined ? undefined : isFrozen(text)
  }
  /** As this process counts, of the group and all below it. `undefined`: it cannot be known. */
  async processes(path: string | undefined): Promise<readonly number[] | undefined> {
    const tree = await this.#tree()
    const mount = tree.mounts[tree.version === 'v1' ? 'pids' : '']
    if (mount === undefined || path === undefined || !isOwn(path)) return undefined
    return processesBelow(join(mount, normalize(path)))
  }
  /** Where nobody was left to remove them: the groups of this path that are empty, or will be when the kernel has buried who was killed. */
  async clear(path: string | undefined): Promise<void> {
    if (path === undefined || !isOwn(path)) return
    const { all } = await this.#tree()
    for (const deadline = performance.now() + buriedMs; ; await sleep(pauseMs)) {
      const tried = await Promise.allSettled(all.map((mount) => rmdir(join(mount, normalize(path)))))
      const isBusy = tried.some((one) => one.status === 'rejected' && hasErrno(one.reason, 'EBUSY'))
      if (!isBusy || performance.now() > deadline) return
    }
  }
  /** `undefined`: the group is gone, or not where we can see it. */
  async sample(path: string | undefined): Promise<ResourceSample | undefined> {
    const tree = await this.#tree()
    const names = tree.version === 'v1' ? v1Names : v2Names
    const files = Object.fromEntries(
      await Promise.all(
        Object.entries(names).map(async ([key, [controller, name]]) => [key, await read(tree, path, controller, name)] as const),
      ),
    ) as V1Files
    if (files.memory === undefined && files.usage === undefined && files.cpuStat === undefined) return undefined
    return tree.version === 'v1' ? sampleV1(files, new Date()) : sampleV2(files, new Date())
  }
}

async function processesBelow(directory: string): Promise<readonly number[] | undefined> {
  try {
    const [text, entries] = await Promise.all([
      readFile(join(directory, 'cgroup.procs'), 'utf8'),
      readdir(directory, { withFileTypes: true }),
    ])
    const below = await Promise.all(entries.flatMap((entry) => (entry.isDirectory() ? [processesBelow(join(directory, entry.name))] : [])))
    return [...processIds(text), ...below.flatMap((pids) => pids ?? [])]
  } catch {
    return undefined
  }
}
async function read(tree: CgroupTree, path: string | undefined, controller: string, name: string): Promise<string | undefined> {
  const file = fileOf(tree, path, controller, name)
  return file === undefined ? undefined : readFile(file, 'utf8').catch(() => undefined)
}
/** At once: a line or two, asked for before and after each process. */
function glance(tree: CgroupTree, path: string | undefined, controller: string, name: string): string | undefined {
  const file = fileOf(tree, path, controller, name)
  try {
    return file === undefined ? undefined : readSmall(file)
  } catch {
    return undefined
  }
}
function fileOf(tree: CgroupTree, path: string | undefined, controller: string, name: string): string | undefined {
  const mount = tree.mounts[controller]
  return mount === undefined || path === undefined || !isOwn(path) ? undefined : join(mount, normalize(path), name)
}

/** A relative path is the runtime's own to place; `/` is everybody's, and says nothing of one container. */
function isOwn(path: string): boolean {
  return path.startsWith('/') && normalize(path) !== '/'
}
