// What a tree takes on the disk, without its parents'.
import type { Stats } from 'node:fs'
import { lstat, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import type { CallOptions } from '../../../model/common.js'
import { hasErrno } from '../../../util/fs-error.js'
import { changes, entriesIn } from './changes.js'
import { join as joinPath, type LayerTree, type Node, onDisk } from './layer-tree.js'

export interface Usage {
  readonly bytes: number
  readonly inodes: number
}
const atOnce = 32
const keptFile = 'usage'
/** In a snapshot's directory: what unpacking has counted, until the commit says that nothing was added. */
const countedFile = 'counted'
/** What a file takes, and so does a directory, on nearly every filesystem. */
const blockBytes = 4_096
/** Longer targets of symbolic links have a block of their own. */
const mostInInode = 59
const nodesAtOnce = 4_096

/** `own` is a snapshot's directory; `copied` the tree that it began as a copy of. What never changes is counted once. */
export async function diskUsage(own: string, copied: string | undefined, isFinal: boolean, options: CallOptions): Promise<Usage> {
  const kept = join(own, keptFile)
  if (isFinal) {
    const known = await readFile(kept, 'utf8').catch(() => '')
    const [bytes, inodes] = known.split(' ').map(Number)
    if (known.endsWith('\n') && bytes !== undefined && inodes !== undefined) return { bytes, inodes }
  }
  const fs = join(own, 'fs')
  const usage = await count(copied === undefined ? everything(fs, options) : changedPaths(copied, fs, options), options)
  if (isFinal) await writeFile(kept, toText(usage), { mode: 0o600 }).catch(() => {})
  return usage
}

/** Of a layer that was unpacked to `root`, where nothing was before: walking there later would cost a good part of a pull. */
export async function noteCounted(root: string, tree: LayerTree): Promise<void> {
  const counted = new Set<Node>()
  let bytes = 0
  let inodes = 0
  let seen = 0
  for (const [, node] of tree.entries()) {
    if (++seen % nodesAtOnce === 0) await turn()
    if (node.kind === 'absent' || node.kind === 'later' || counted.has(node)) continue
    if (node.kind === 'other') counted.add(node)
    bytes += bytesOf(node)
    inodes += 1
  }
  await writeFile(join(dirname(root), countedFile), toText({ bytes, inodes }), { mode: 0o600 })
}
/** Something else comes to what was counted. */
export async function dropCounted(root: string): Promise<void> {
  await rm(join(dirname(root), countedFile), { force: true })
}
/** `own` is one whose contents are what was unpacked, and nothing beside. */
export async function keepCounted(own: string): Promise<void> {
  try {
    await rename(join(own, countedFile), join(own, keptFile))
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error
  }
}
function bytesOf(node: Node): number {
  switch (node.kind) {
    case 'directory':
      return blockBytes
    case 'symlink':
      return node.target.length > mostInInode ? blockBytes : 0
    case 'other':
      return Math.ceil((node.bytes ?? 0) / blockBytes) * blockBytes
    default:
      return 0
  }
}
const toText = ({ bytes, inodes }: Usage): string => `${bytes} ${inodes}\n`

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
