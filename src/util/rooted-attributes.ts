// What a rooted tree tells and sets of one thing in it.
import type { Stats } from 'node:fs'
import { chmod, chown, lchown, lutimes, utimes } from 'node:fs/promises'
import { descriptorPath, type Entry, entryPath, type Place } from './rooted-walk.js'

export interface RootedStat {
  readonly type: 'file' | 'directory' | 'symlink' | 'device' | 'fifo' | 'socket'
  /** Bytes. */
  readonly size: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modifiedAt: Date
}
export type AttributeChange = Partial<Pick<RootedStat, 'mode' | 'uid' | 'gid' | 'modifiedAt'>>

export function toStat(stats: Stats): RootedStat {
  return { type: typeOf(stats), size: stats.size, mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid, modifiedAt: stats.mtime }
}
function typeOf(stats: Stats): RootedStat['type'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isSymbolicLink()) return 'symlink'
  if (stats.isFIFO()) return 'fifo'
  return stats.isSocket() ? 'socket' : 'device'
}

/** All on the one descriptor: a name put in its place meanwhile gets neither the owner nor the bits. */
export async function setAttributes({ handle, stats }: Place, { mode, uid, gid, modifiedAt }: AttributeChange): Promise<void> {
  const path = descriptorPath(handle)
  if (uid !== undefined || gid !== undefined) await chown(path, uid ?? stats.uid, gid ?? stats.gid)
  if (mode !== undefined) await chmod(path, mode)
  if (modifiedAt !== undefined) await utimes(path, stats.atime, modifiedAt)
}
/** A link's own are set by its name; they give nobody any right. */
export async function setLinkAttributes(
  { directory, name }: Entry,
  { stats }: Place,
  { uid, gid, modifiedAt }: AttributeChange,
): Promise<void> {
  const path = entryPath(directory, name)
  if (uid !== undefined || gid !== undefined) await lchown(path, uid ?? stats.uid, gid ?? stats.gid)
  if (modifiedAt !== undefined) await lutimes(path, stats.atime, modifiedAt)
}
