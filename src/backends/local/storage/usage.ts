// What a tree takes on the disk, without its parents'.
import type { Stats } from 'node:fs'
import { lstat, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallOptions } from '../../../model/common.js'
import { hasErrno } from '../../../util/fs-error.js'
import { changes, entriesIn } from './changes.js'
import { join as joinPath, onDisk } from './layer-tree.js'

export interface Usage {
  readonly bytes: number
  readonly inodes: number
}
const atOnce = 32

/** `own` is a snapshot's directory; `copied` the tree that it began as a copy of. What never changes is counted once. */
export async function diskUsage(own: string, copied: string | undefined, isFinal: boolean, options: CallOptions): Promise<Usage> {
  const kept = join(own, 'usage')
  if (isFinal) {
    const known = await readFile(kept, 'utf8').catch(() => '')
    const [bytes, inodes] = known.split(' ').map(Number)
    if (known.endsWith('\n') && bytes !== undefined && inodes !== undefined) return { bytes, inodes }
  }
  const fs = join(own, 'fs')
  const usage = await count(copied === undefined ? everything(fs, options) : changedPaths(copied, fs, options), options)
  if (isFinal) await writeFile(kept, `${usage.bytes} ${usage.inodes}\n`, { mode: 0o600 }).catch(() => {})
  return usage
}

/** A tree that is in use may change meanwhile. */
async function count(paths: AsyncIterable<readonly Buffer[]>, { signal }: CallOptions): Promise<Usage> {
  const linked = new Set<number>()
  let bytes = 0
  let inodes = 0
  for await (const some of paths) {
    signal?.throwIfAborted()
    for (const stats of await Promise.all(some.map(statUnlessAbsent))) {
      if (stats === undefined || linked.has(stats.ino)) continue
      if (stats.nlink > 1 && !stats.isDirectory()) linked.add(stats.ino)
      bytes += stats.blocks * 512
      inodes += 1
    }
  }
  return { bytes, inodes }
}
async function* everything(root: string, { signal }: CallOptions): AsyncGenerator<readonly Buffer[], void, undefined> {
  yield [Buffer.from(root)]
  const pending = ['']
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    signal?.throwIfAborted()
    let some: Buffer[] = []
    for (const entry of await entriesIn(onDisk(root, directory))) {
      const path = joinPath(directory, entry.name)
      some.push(onDisk(root, path))
      if (entry.isDirectory()) pending.push(path)
      if (some.length < atOnce) continue
      yield some
      some = []
    }
    yield some
  }
}
async function* changedPaths(lower: string, upper: string, options: CallOptions): AsyncGenerator<readonly Buffer[], void, undefined> {
  for await (const { path, kind } of changes(lower, upper, options)) if (kind !== 'deleted') yield [onDisk(upper, path)]
}
async function statUnlessAbsent(path: Buffer): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return undefined
    throw error
  }
}
