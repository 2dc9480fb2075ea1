// Where each entry of a layer comes to lie, and what it replaces. All names are resolved here, so that tar is given paths whose
// parents are real directories of the layer itself.
import { rm } from 'node:fs/promises'
import { namesIn } from './changes.js'
import { join, type LayerTree, type Node, onDisk, parentOf, partsOf } from './layer-tree.js'
import type { LayerTarget } from './snapshot-mounts.js'
import type { EntrySink } from './tar-sink.js'
import type { TarEntry } from './tar/entry.js'
import type { Unfinished } from './finish-layer.js'
import { damaged } from './tar/fields.js'

const whiteout = '.wh.'
const opaque = '.wh..wh..opq'
const meta = '.wh..wh.'
const opaqueXattr = ['trusted.overlay.opaque', 'y'] as const
const root: Pick<TarEntry, 'uid' | 'gid' | 'major' | 'minor' | 'size' | 'linkName'> = {
  uid: 0,
  gid: 0,
  major: 0,
  minor: 0,
  size: 0,
  linkName: '',
}

export class LayerPlace {
  readonly #target: LayerTarget
  readonly #tree: LayerTree
  readonly #sink: EntrySink
  readonly #implied: Set<string> = new Set()
  readonly #links: Map<string, string> = new Map()

  constructor(target: LayerTarget, tree: LayerTree, sink: EntrySink) {
    this.#target = target
    this.#tree = tree
    this.#sink = sink
  }
  get unfinished(): Unfinished {
    const links = [...this.#links].filter(([path]) => this.#tree.known(path)?.kind === 'later')
    const implied = [...this.#implied].filter((path) => {
      const node = this.#tree.known(path)
      return node?.kind === 'directory' && node.entry === undefined
    })
    const above = links.flatMap(([, target]) => ancestorsOf(target)).filter((path) => this.#tree.known(path) === undefined)
    const touched = new Set(links.flatMap(([path, target]) => [parentOf(path), parentOf(target)]))
    return {
      directories: [...new Set([...implied, ...above])],
      links: links.map(([path, target]) => ({ path, target })),
      touched: [...touched].flatMap((path) => {
        const node = this.#tree.known(path)
        return node?.kind === 'directory' && node.entry !== undefined ? [node.entry] : []
      }),
    }
  }

  /** False: its bytes are to be skipped. */
  async place(entry: TarEntry): Promise<boolean> {
    const parts = partsOf(entry.name)
    const base = parts.at(-1)
    if (base === undefined) return false // the root itself: containerd leaves it as it is
    if (base === opaque) await this.#opaque(parts.slice(0, -1))
    else if (parts[0]?.startsWith(meta) === true)
      return false // notes of AUFS
    else if (base.startsWith(whiteout)) await this.#whiteout(parts.slice(0, -1), base.slice(whiteout.length), entry)
    else return this.#make(await this.#makeParents(parts.slice(0, -1), entry), base, entry)
    return false
  }

  async #make(parent: string, base: string, given: TarEntry): Promise<boolean> {
    const path = join(parent, base)
    const before = await this.#tree.look(path)
    const replaced = await this.#makeWay(path, before, given)
    if (given.type === 'link') return this.#link(path, given)
    const hidesBelow =
      given.type === 'directory' && this.#target.isOverlay && (replaced || (before?.kind === 'directory' && before.isOpaque))
    // Those of overlayfs among them, by which a layer could show files that are not its own. containerd sets none either.
    const own = given.xattrs.filter(([name]) => !name.startsWith('trusted.'))
    const entry: TarEntry = {
      ...given,
      name: given.type === 'directory' ? `${path}/` : path,
      xattrs: hidesBelow ? [...own, opaqueXattr] : own,
    }
    this.#tree.set(path, nodeOf(entry, hidesBelow))
    const wait = this.#sink.header(entry)
    if (wait !== undefined) await wait
    return true
  }
  /** What cannot simply be replaced by tar goes. Whether a directory there has to hide what is below. */
  async #makeWay(path: string, before: Node | undefined, entry: TarEntry): Promise<boolean> {
    if (before?.kind === 'whiteout') return true
    if (before === undefined || before.kind === 'absent' || before.kind === 'later') return false
    if (before.kind === 'directory' && entry.type === 'directory') return false
    if (before.kind === 'directory' || entry.type === 'directory') await this.#remove(path)
    return false
  }

  async #link(path: string, entry: TarEntry): Promise<boolean> {
    const parts = partsOf(entry.linkName)
    const base = parts.at(-1)
    const at = await this.#tree.resolve(parts.slice(0, -1))
    const target = [...(at.path === '' ? [] : [at.path]), ...at.missing, base ?? ''].join('/')
    const node = base === undefined || at.missing.length > 0 ? undefined : await this.#tree.look(target)
    if (target === path || node?.kind === 'directory' || node?.kind === 'whiteout' || base === undefined)
      throw damaged(`"${path}" is a hard link to "${target}", which is no file`)
    if (node === undefined || node.kind === 'later') {
      if (!this.#target.isOverlay) throw damaged(`"${path}" is a hard link to "${target}", which is not there`)
      // Of links to links all lead to the one below.
      this.#links.set(path, this.#links.get(target) ?? target)
      this.#tree.set(path, { kind: 'later' })
      return false
    }
    this.#tree.set(path, node)
    await this.#sink.header({ ...entry, name: path, linkName: target, xattrs: [] })
    return true
  }

  async #whiteout(parents: readonly string[], base: string, entry: TarEntry): Promise<void> {
    if (base === '' || base === '.' || base === '..') throw damaged('a whiteout names nothing')
    const { isOverlay } = this.#target
    const at = await this.#tree.resolve(parents)
    if (!isOverlay && at.missing.length > 0) return
    const path = join(isOverlay ? await this.#makeParents(parents, entry) : at.path, base)
    const before = await this.#tree.look(path)
    if (!isOverlay) {
      if (before !== undefined) await this.#remove(path)
      return
    }
    // Only what is below is hidden: what the same layer has made there stays, and a directory then hides what was in it.
    if (before?.kind === 'directory') await this.#hideBelow(path, before)
    if (before !== undefined) return
    this.#tree.set(path, { kind: 'whiteout' })
    await this.#sink.header({
      ...entry,
      type: 'character',
      name: path,
      mode: 0,
      major: 0,
      minor: 0,
      size: 0,
      linkName: '',
      xattrs: [],
      sparse: undefined,
    })
  }
  async #opaque(parents: readonly string[]): Promise<void> {
    const { path, missing } = await this.#tree.resolve(parents)
    if (this.#target.isOverlay) {
      const directory = missing.length === 0 ? path : await this.#makeParents(parents, undefined)
      const node = this.#tree.known(directory)
      if (directory !== '' && node?.kind === 'directory') await this.#hideBelow(directory, node)
    } else if (missing.length === 0) await this.#removeOld(path)
  }
  async #hideBelow(path: string, node: Extract<Node, { kind: 'directory' }>): Promise<void> {
    if (node.isOpaque) return
    const known = node.entry ?? impliedEntry(path, undefined)
    const entry = { ...known, xattrs: [...known.xattrs, opaqueXattr] }
    this.#tree.set(path, { ...node, entry: node.entry === undefined ? undefined : entry, isOpaque: true })
    await this.#sink.header(entry)
  }

  /** What the layer has not made itself. */
  async #removeOld(path: string): Promise<void> {
    for (const name of await namesIn(onDisk(this.#target.root, path))) {
      const inside = join(path, name)
      const node = await this.#tree.look(inside)
      if (node === undefined) continue
      if (!this.#tree.holdsNew(inside)) await this.#remove(inside)
      else if (node.kind === 'directory') await this.#removeOld(inside)
    }
  }
  async #remove(path: string): Promise<void> {
    // What tar has still to make must not come after it.
    if (this.#tree.holdsNew(path)) await this.#sink.cut()
    await rm(onDisk(this.#target.root, path), { recursive: true, force: true })
    this.#tree.forget(path)
  }

  async #makeParents(parts: readonly string[], child: TarEntry | undefined): Promise<string> {
    const { path, missing } = await this.#tree.resolve(parts)
    let directory = path
    for (const part of missing) {
      directory = join(directory, part)
      const before = this.#tree.known(directory)
      const isOpaque = before?.kind === 'whiteout'
      const entry = impliedEntry(directory, child)
      this.#tree.set(directory, { kind: 'directory', entry: undefined, isOpaque, isNew: true })
      if (!isOpaque) this.#implied.add(directory)
      await this.#sink.header(isOpaque ? { ...entry, xattrs: [opaqueXattr] } : entry)
    }
    return directory
  }
}

/** The outermost first. */
function ancestorsOf(path: string): readonly string[] {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}
function nodeOf(entry: TarEntry, isOpaque: boolean): Node {
  if (entry.type === 'directory') return { kind: 'directory', entry, isOpaque, isNew: true }
  return entry.type === 'symlink'
    ? { kind: 'symlink', target: entry.linkName, isNew: true }
    : { kind: 'other', isNew: true, bytes: entry.size }
}
function impliedEntry(path: string, child: TarEntry | undefined): TarEntry {
  const time = child?.time ?? { seconds: Math.floor(Date.now() / 1000), nanoseconds: 0 }
  return { ...root, type: 'directory', name: `${path}/`, mode: 0o755, time, xattrs: [] }
}
