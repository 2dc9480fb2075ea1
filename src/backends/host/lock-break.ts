// Takes away what the dead left: links of their locks, and their owner files.
import { type FileHandle, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallOptions, Closeable } from '../../model/common.js'
import { closeable } from '../../util/closeable.js'
import { hasErrno } from '../../util/fs-error.js'
import { askHint, flock, isAt, type LockOwner } from './lock-owner.js'

export interface LockDirectories {
  readonly owners: string
  readonly locks: string
}
/** No key is encoded like this. */
const guardName = '.break'

export interface FreeOptions extends CallOptions {
  /** Ask the kernel also when the hint says that the holder lives. Default false. */
  readonly sure?: boolean | undefined
}

/**
 * Is this lock free, or its holder dead and the link taken away? `mine`: the holder is `owner`.
 * A dead holder's file is nobody's for ever, and while we have it open its number is not used again. So whoever finds,
 * as the only one that breaks, the link still on that file, takes away the dead one's and no other.
 */
export async function freeDead(
  directories: LockDirectories,
  name: string,
  owner: LockOwner,
  options: FreeOptions = {},
): Promise<'free' | 'held' | 'mine'> {
  const path = join(directories.locks, name)
  const file = await openUnlessAbsent(path)
  if (file === undefined) return 'free'
  try {
    const stats = await file.stat()
    if (stats.dev === owner.stats.dev && stats.ino === owner.stats.ino) return 'mine'
    if ((await askHint(file)) === 'alive' && options.sure !== true) return 'held'
    // Shared, so that two who ask at once do not take each other for the holder.
    if (!(await flock(file, 'shared', options.signal))) return 'held'
    await using _guard = await guard(directories, options)
    if (await isAt(path, stats)) await unlink(path)
    return 'free'
  } finally {
    await file.close()
  }
}

/** Resolves with what could not be done. An owner file goes after the last of its links: without it nobody would look for them. */
export async function sweepDead(directories: LockDirectories, own: string, options: CallOptions = {}): Promise<readonly unknown[]> {
  const failures: unknown[] = []
  for (const name of await readdir(directories.owners)) {
    const path = join(directories.owners, name)
    if (path === own) continue
    try {
      await sweepOwner(directories, path, options)
    } catch (error) {
      options.signal?.throwIfAborted()
      failures.push(error)
    }
  }
  return failures
}

async function sweepOwner(directories: LockDirectories, path: string, options: CallOptions): Promise<void> {
  const file = await openUnlessAbsent(path)
  if (file === undefined) return
  try {
    if ((await askHint(file)) === 'alive' || !(await flock(file, 'shared', options.signal))) return
    await using _guard = await guard(directories, options)
    const stats = await file.stat()
    if (!(await isAt(path, stats))) return
    const links = stats.nlink > 1 ? await readdir(directories.locks) : []
    for (const link of links) {
      if (await isAt(join(directories.locks, link), stats)) await unlink(join(directories.locks, link))
    }
    await unlink(path)
  } finally {
    await file.close()
  }
}

/** Only one breaks at a time. Held for a few calls, never while waiting for somebody. */
async function guard({ locks }: LockDirectories, { signal }: CallOptions): Promise<Closeable> {
  const file = await open(join(locks, guardName), 'a', 0o600)
  try {
    await flock(file, 'exclusive', signal)
  } catch (error) {
    await file.close()
    throw error
  }
  return closeable(() => file.close())
}

async function openUnlessAbsent(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
