// A place of this user's in /run, for all its roots: run directories where that is in memory, and what was found out about the machine.
import { lstatSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { hasErrno, hasNoRoom } from '../../util/fs-error.js'

/** `<parent>/pouch-sdk`, made when it is missing. `undefined`: it cannot be made, is another's, or open to others. `parent` is `/run` but in tests. */
export async function sharedDirectory(parent: string = '/run'): Promise<string | undefined> {
  const path = join(parent, 'pouch-sdk')
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
  return isOursAlone(path) ? path : undefined
}
/** For what was found out about programs of this machine, by whichever root. */
export async function answersDirectory(): Promise<string | undefined> {
  const shared = await sharedDirectory()
  return shared && join(shared, 'answers')
}

/** Somebody else's directory in a place that is everybody's is nobody's word. */
export function isOursAlone(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.isDirectory() === true && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0
}
/** Nothing can be made there. */
export function isRefusal(error: unknown): boolean {
  return hasNoRoom(error) || ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOENT'].some((code) => hasErrno(error, code))
}
