// What a layer needs of those below it: attributes of directories that it implies, and files that it links to.
import { lstat } from 'node:fs/promises'
import type { Mount } from '../../../model/common.js'
import { type ClosedTreeOptions, openClosedTree } from './closed-tree.js'
import type { LayerPlace } from './layer-place.js'
import { onDisk, parentOf } from './layer-tree.js'
import type { LayerTarget } from './snapshot-mounts.js'
import type { TarSink } from './tar-sink.js'
import type { TarEntry } from './tar/entry.js'
import { damaged } from './tar/fields.js'
import { readTree } from './pack-layer.js'
import { hasErrno } from '../../../util/fs-error.js'

export async function finishLayer(place: LayerPlace, { lowers }: LayerTarget, sink: TarSink, options: ClosedTreeOptions): Promise<void> {
  const { implied, links } = place.unfinished
  if (implied.length === 0 && links.length === 0) return
  if (lowers.length === 0) {
    const [link] = links
    if (link !== undefined) throw damaged(`"${link.path}" is a hard link to "${link.target}", which is not there`)
    return
  }
  await using below = await openClosedTree(belowOf(lowers), options)
  const wanted = new Map<string, 'directory' | 'file'>()
  for (const path of implied) if ((await kindAt(below.root, path)) === 'directory') wanted.set(path, 'directory')
  for (const { path, target } of links) {
    if ((await kindAt(below.root, target)) !== 'other') throw damaged(`"${path}" is a hard link to "${target}", which is not there`)
    for (const above of ancestorsOf(target)) if (!place.has(above)) wanted.set(above, 'directory')
    wanted.set(target, 'file')
  }
  await copyUp(below.root, wanted, links, place, sink, options)
}

/** A file is linked to under its own name, which then hides the one below: both names stay one file. */
async function copyUp(
  root: string,
  wanted: ReadonlyMap<string, 'directory' | 'file'>,
  links: readonly { readonly path: string; readonly target: string }[],
  place: LayerPlace,
  sink: TarSink,
  { signal }: ClosedTreeOptions,
): Promise<void> {
  for await (const { entry, bytes } of readTree(root, wanted.keys(), { place: undefined, signal })) {
    const path = entry.name.replace(/\/$/, '')
    await sink.header({ ...entry, name: entry.type === 'directory' ? `${path}/` : path })
    for await (const part of bytes()) await sink.bytes(part)
    for (const link of links) if (link.target === path) await sink.header(linkTo(entry, link.path, path))
  }
  // Making something in a directory has changed its time.
  const changed = new Set(links.flatMap(({ path, target }) => [parentOf(path), parentOf(target)]))
  for (const path of changed) {
    const entry = place.directory(path)
    if (entry !== undefined) await sink.header(entry)
  }
}
/** The outermost first. */
function ancestorsOf(path: string): readonly string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}
function linkTo(entry: TarEntry, path: string, target: string): TarEntry {
  return { ...entry, type: 'link', name: path, linkName: target, size: 0, xattrs: [], sparse: undefined }
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

function belowOf(lowers: readonly string[]): readonly Mount[] {
  const [only, further] = lowers
  return only !== undefined && further === undefined
    ? [{ type: 'bind', source: only, options: ['ro', 'rbind'] }]
    : [{ type: 'overlay', source: 'overlay', options: [`lowerdir=${lowers.join(':')}`] }]
}
