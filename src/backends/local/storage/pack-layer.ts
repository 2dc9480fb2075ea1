// Files into a layer's archive: read by tar, marks of overlayfs turned into the archive's.
import type { Readable, Writable } from 'node:stream'
import type { CallOptions } from '../../../model/common.js'
import { createArgs, namedArgs, outcome, type RunTarOptions, spawnTar } from './tar/child.js'
import { paddingOf, type TarEntry } from './tar/entry.js'
import { endsEarly, TarInput } from './tar/input.js'
import { readEntry } from './tar/read.js'
import { writeHeader } from './tar/write.js'

export type ReadTreeOptions = Pick<RunTarOptions, 'place' | 'signal'>
export interface TreeEntry {
  readonly entry: TarEntry
  /** Their padding included. To be read before the next entry, or not at all. */
  bytes(): AsyncGenerator<Uint8Array>
}

/** These paths below `root`, or all: entries as tar gives them. */
async function* readTree(
  root: string,
  paths: Iterable<string> | undefined,
  options: ReadTreeOptions,
): AsyncGenerator<TreeEntry, void, undefined> {
  const which = paths === undefined ? ['--sort=name', '.'] : namedArgs
  const child = await spawnTar([...createArgs, ...which], { ...options, root })
  const ended = outcome(child)
  try {
    yield* readArchive(child.stdin as Writable, paths ?? [], child.stdout as Readable, ended, options)
  } finally {
    child.kill('SIGKILL')
  }
}

/** What tar writes that was asked for these names. */
export async function* readArchive(
  names: Writable,
  paths: Iterable<string>,
  archive: Readable,
  ended: Promise<void>,
  { signal }: CallOptions,
): AsyncGenerator<TreeEntry, void, undefined> {
  ended.catch(() => {})
  names.on('error', () => {}) // its exit tells
  names.end(Buffer.from([...paths].map((path) => `${path}\0`).join(''), 'latin1'))
  try {
    await using input = new TarInput(archive)
    for (let entry = await readEntry(input); entry !== undefined; entry = await readEntry(input)) {
      let rest = entry.size + paddingOf(entry.size)
      yield {
        entry,
        async *bytes() {
          while (rest > 0) {
            const part = await input.some(rest)
            if (part === undefined) throw endsEarly()
            rest -= part.length
            yield part
          }
        },
      }
    }
    await input.drain()
    await ended
  } catch (error) {
    signal?.throwIfAborted()
    // An archive that is cut off says less than why.
    await ended
    throw error
  }
}

/** Without the end of an archive. */
export async function* packLayer(
  root: string,
  paths: Iterable<string> | undefined,
  options: ReadTreeOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { entry, bytes } of readTree(root, paths, options)) {
    for (const made of toLayer(entry)) yield writeHeader(made)
    yield* bytes()
  }
}

export function whiteoutOf(path: string): Buffer {
  const slash = path.lastIndexOf('/') + 1
  return writeHeader(mark(`${path.slice(0, slash)}.wh.${path.slice(slash)}`, { seconds: 0, nanoseconds: 0 }))
}

/** An entry of an upper directory as entries of a layer. Only a directory has bytes of none, so what comes last may have some. */
function toLayer(entry: TarEntry): readonly TarEntry[] {
  const name = entry.name.replace(/^\.\//, '')
  if (name === '') return [] // the root's own attributes are no layer's
  const linkName = entry.type === 'link' ? entry.linkName.replace(/^\.\//, '') : entry.linkName
  const isMarked = entry.xattrs.some(([key, value]) => key === 'trusted.overlay.opaque' && value === 'y')
  const own = { ...entry, name, linkName, xattrs: entry.xattrs.filter(([key]) => !key.startsWith('trusted.overlay.')) }
  if (entry.type === 'character' && entry.major === 0 && entry.minor === 0) {
    const slash = name.lastIndexOf('/') + 1
    return [mark(`${name.slice(0, slash)}.wh.${name.slice(slash)}`, entry.time)]
  }
  return isMarked ? [own, mark(`${name}.wh..wh..opq`, entry.time)] : [own]
}
function mark(name: string, time: TarEntry['time']): TarEntry {
  return { type: 'file', name, linkName: '', mode: 0, uid: 0, gid: 0, time, size: 0, major: 0, minor: 0, xattrs: [] }
}
