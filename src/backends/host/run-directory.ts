// Where a root keeps what ends with this boot: records of owned containers, what this process runs itself, files bound over a
// container's /etc, the runtimes' own state. On the tmpfs of /run where there is one: the kernel makes and removes dozens of
// such files for each run of a container, and a disk's file system takes many times as long for each.
import { lstatSync } from 'node:fs'
import { mkdir, readFile, readdir, readlink, rename, rm, rmdir, statfs, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../errors.js'
import type { CallOptions, Closeable } from '../../model/common.js'
import { closeable } from '../../util/closeable.js'
import { hasErrno } from '../../util/fs-error.js'
import type { FileLocks } from './file-locks.js'
import { isOursAlone, isRefusal, sharedDirectory } from './shared-directory.js'

export interface RunDirectoryOptions {
  /** Of the engine. */
  readonly root: string
  /** Of the root: what is in another's directory is never taken for ours. */
  readonly id: string
  readonly locks: Pick<FileLocks, 'acquire' | 'tryAcquire' | 'hasOthers'>
  /** Default `/run`. */
  readonly parent?: string | undefined
}
/** Closing takes it away when nothing is in it and nobody else has the root open. */
export interface RunDirectory extends Closeable {
  /** Absolute, and without a link in it. */
  readonly path: string
}

const lockKey = 'run-directory'
/** Below a root: the directory, or a link to it. */
const linkName = 'run'
/** In the directory: whose it is. */
const ownerName = 'root-id'
const tmpfsMagic = 0x01_02_19_94

/**
 * The same for all who have the root open. Throws `failed_precondition` where another process has one that is not seen from here: in a
 * mount namespace with another /run, say.
 */
export async function openRunDirectory(options: RunDirectoryOptions, call: CallOptions = {}): Promise<RunDirectory> {
  const { root, id, locks } = options
  await using _lock = await locks.acquire(lockKey, call)
  const path = (await known(root, id)) ?? (await make(options, call))
  return { path, ...closeable(() => leave(options, path)) }
}

/** `undefined`: there is none, or it went with the last boot. */
async function known(root: string, id: string): Promise<string | undefined> {
  const link = join(root, linkName)
  const target = await readlink(link).catch((error: unknown) => {
    if (hasErrno(error, 'EINVAL')) return link // a directory
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  })
  if (target === undefined || target === link) return target
  return (await isOurs(target, id)) ? target : undefined
}
async function isOurs(path: string, id: string): Promise<boolean> {
  return isOursAlone(path) && (await readFile(join(path, ownerName), 'utf8').catch(() => undefined)) === id
}

async function make({ root, id, locks, parent = '/run' }: RunDirectoryOptions, call: CallOptions): Promise<string> {
  const link = join(root, linkName)
  const wasThere = lstatSync(link, { throwIfNoEntry: false }) !== undefined
  if (wasThere && (await locks.hasOthers(call)))
    throw new EngineError(
      'failed_precondition',
      `"${await readlink(link)}" of root "${root}" is not to be seen here, and another process uses it`,
    )
  const path = (await isTmpfs(root)) ? undefined : await makeBelow(parent, id)
  if (wasThere) await unlink(link)
  if (path === undefined) {
    await mkdir(link, { mode: 0o700 })
    return link
  }
  // Under the lock there is one who makes it; what a killed one left goes first.
  const temporary = join(root, '.run')
  await rm(temporary, { force: true })
  await symlink(path, temporary)
  await rename(temporary, link)
  return path
}
/** `undefined`: not there, not in memory, or not ours to write. */
async function makeBelow(parent: string, id: string): Promise<string | undefined> {
  const shared = (await isTmpfs(parent)) ? await sharedDirectory(parent) : undefined
  if (shared === undefined) return undefined
  const path = join(shared, id)
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    await writeFile(join(path, ownerName), id, { mode: 0o600 })
    return path
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
}
async function isTmpfs(path: string): Promise<boolean> {
  return statfs(path).then(
    ({ type }) => type === tmpfsMagic,
    () => false,
  )
}

async function leave({ root, locks }: RunDirectoryOptions, path: string): Promise<void> {
  await using lock = await locks.tryAcquire(lockKey)
  if (lock === undefined || path === join(root, linkName) || (await locks.hasOthers())) return
  if (!(await removeEmpty(path, [ownerName]))) return
  await unlink(join(path, ownerName)).catch(() => {})
  await rmdir(path).catch(() => {})
  await unlink(join(root, linkName)).catch(() => {})
}
/** Directories with nothing but directories below, bottom up; `but` does not count. False: something is there. */
async function removeEmpty(path: string, but: readonly string[] = []): Promise<boolean> {
  let empty = true
  for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
    if (but.includes(entry.name)) continue
    const below = join(path, entry.name)
    const gone = entry.isDirectory() && (await removeEmpty(below)) && (await rmdir(below).then(...isDone))
    empty &&= gone
  }
  return empty
}
const isDone = [() => true, () => false] as const
