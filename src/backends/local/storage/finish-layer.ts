// What a layer needs of those below it: attributes of directories that it implies, and files that it links to.
import { lstat } from 'node:fs/promises'
import type { CallOptions } from '../../../model/common.js'
import { hasErrno } from '../../../util/fs-error.js'
import { onDisk } from './layer-tree.js'
import { readArchive } from './pack-layer.js'
import type { StorageShell } from './storage-shell.js'
import { tarFailure } from './tar/child.js'
import type { TarSink } from './tar-sink.js'
import type { TarEntry } from './tar/entry.js'
import { damaged } from './tar/fields.js'

/** What can only be made when the layers below are there. Paths are bytes in latin1. */
export interface Unfinished {
  /** Made, or to be made for a link's sake: their attributes are those from below, where they have been. */
  readonly directories: readonly string[]
  /** Hard links to what lies below. */
  readonly links: readonly { readonly path: string; readonly target: string }[]
  /** Directories whose times change when those links are made. */
  readonly touched: readonly TarEntry[]
}
export const isFinished = ({ directories, links }: Unfinished): boolean => directories.length === 0 && links.length === 0

/** `lowers`: the nearest first; none: there is nothing below. */
export async function finishLayer(
  unfinished: Unfinished,
  lowers: readonly string[],
  sink: TarSink,
  shell: StorageShell,
  options: CallOptions,
): Promise<void> {
  const { directories, links, touched } = unfinished
  const [first] = links
  if (first !== undefined && lowers.length === 0) throw dangling(first)
  if (isFinished(unfinished) || lowers.length === 0) return
  await using below = await shell.show(lowers)
  const wanted = new Set<string>()
  for (const path of directories) if ((await kindAt(below.root, path)) === 'directory') wanted.add(path)
  for (const link of links) {
    if ((await kindAt(below.root, link.target)) !== 'other') throw dangling(link)
    wanted.add(link.target)
  }
  // A file is linked to under its own name, which then hides the one below: both names stay one file.
  const { input, output, ended } = await below.create()
  const isWell = ended.then(({ status, said }) => {
    if (status !== 0) throw tarFailure(status, said)
  })
  for await (const { entry, bytes } of readArchive(input, wanted, output, isWell, options)) {
    const path = entry.name.replace(/\/$/, '')
    await sink.header({ ...entry, name: entry.type === 'directory' ? `${path}/` : path })
    for await (const part of bytes()) await sink.bytes(part)
    for (const link of links) if (link.target === path) await sink.header(linkTo(entry, link.path, path))
  }
  for (const entry of touched) await sink.header(entry)
}
function linkTo(entry: TarEntry, path: string, target: string): TarEntry {
  return { ...entry, type: 'link', name: path, linkName: target, size: 0, xattrs: [], sparse: undefined }
}
function dangling({ path, target }: { readonly path: string; readonly target: string }) {
  return damaged(`"${path}" is a hard link to "${target}", which is not there`)
}

/** Without a look through any link. */
async function kindAt(root: string, path: string): Promise<'directory' | 'other' | undefined> {
  const parts = path.split('/')
  for (let length = 1; length <= parts.length; length++) {
    try {
      const stats = await lstat(onDisk(root, parts.slice(0, length).join('/')))
      if (length === parts.length) return stats.isDirectory() ? 'directory' : 'other'
      if (!stats.isDirectory()) return undefined
    } catch (error) {
      if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return undefined
      throw error
    }
  }
  return undefined
}
