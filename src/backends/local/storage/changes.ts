// What one tree has changed over another, by a walk through both. Attributes other than owner, mode and times are not compared.
import type { BigIntStats, Dirent } from 'node:fs'
import { lstat, open, opendir, readlink } from 'node:fs/promises'
import type { CallOptions } from '../../../model/common.js'
import { hasErrno } from '../../../util/fs-error.js'
import { join, onDisk } from './layer-tree.js'

export interface Change {
  /** In latin1. */
  readonly path: string
  readonly kind: 'added' | 'changed' | 'deleted'
}
const compareBytes = 256 << 10

/** Directories come before what is in them; of a deleted one only itself. */
export async function* changes(lower: string, upper: string, { signal }: CallOptions = {}): AsyncGenerator<Change, void, undefined> {
  const pending = ['']
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    signal?.throwIfAborted()
    const [before, after] = await Promise.all([namesIn(onDisk(lower, directory)), namesIn(onDisk(upper, directory))])
    for (const name of [...new Set([...before, ...after])].sort()) {
      signal?.throwIfAborted()
      const path = join(directory, name)
      const [old, now] = await Promise.all([
        before.has(name) ? statUnlessAbsent(onDisk(lower, path)) : undefined,
        after.has(name) ? statUnlessAbsent(onDisk(upper, path)) : undefined,
      ])
      if (now === undefined) {
        if (old !== undefined) yield { path, kind: 'deleted' }
        continue
      }
      if (old === undefined) yield { path, kind: 'added' }
      else if (!(await isSame(onDisk(lower, path), old, onDisk(upper, path), now))) yield { path, kind: 'changed' }
      if (now.isDirectory()) pending.push(path)
    }
  }
}

async function isSame(lower: Buffer, old: BigIntStats, upper: Buffer, now: BigIntStats): Promise<boolean> {
  if (old.mode !== now.mode || old.uid !== now.uid || old.gid !== now.gid || old.rdev !== now.rdev) return false
  if (now.isDirectory()) return old.mtimeNs === now.mtimeNs
  if (old.size !== now.size || old.mtimeNs !== now.mtimeNs) return false
  if (now.isSymbolicLink()) return (await readlink(lower, 'latin1')) === (await readlink(upper, 'latin1'))
  // Whole seconds are what an archive or a program has set: two of them say nothing.
  return !now.isFile() || now.mtimeNs % 1_000_000_000n !== 0n || (await isSameFile(lower, upper))
}
async function isSameFile(lower: Buffer, upper: Buffer): Promise<boolean> {
  await using a = await open(lower, 'r')
  await using b = await open(upper, 'r')
  const [left, right] = [Buffer.allocUnsafe(compareBytes), Buffer.allocUnsafe(compareBytes)]
  for (;;) {
    const [{ bytesRead }, other] = await Promise.all([a.read(left, 0, compareBytes), b.read(right, 0, compareBytes)])
    if (bytesRead !== other.bytesRead || !left.subarray(0, bytesRead).equals(right.subarray(0, bytesRead))) return false
    if (bytesRead === 0) return true
  }
}

/** Names in bytes, as they need not be UTF-8. Nothing, where there is no directory. */
export async function entriesIn(directory: Buffer): Promise<readonly Dirent[]> {
  const entries: Dirent[] = []
  try {
    for await (const entry of await opendir(directory, { encoding: 'latin1' })) entries.push(entry)
  } catch (error) {
    if (!hasErrno(error, 'ENOENT') && !hasErrno(error, 'ENOTDIR')) throw error
  }
  return entries
}
export async function namesIn(directory: Buffer): Promise<ReadonlySet<string>> {
  return new Set((await entriesIn(directory)).map(({ name }) => name))
}
async function statUnlessAbsent(path: Buffer): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
