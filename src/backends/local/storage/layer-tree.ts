// What a layer has made so far, by path, over what was there before it. Paths are bytes in latin1, without a slash at either end.
import { lstat, readlink } from 'node:fs/promises'
import { EngineError } from '../../../errors.js'
import { hasErrno } from '../../../util/fs-error.js'
import { damaged } from './tar/fields.js'
import type { TarEntry } from './tar/entry.js'

export type Node =
  | { readonly kind: 'directory'; readonly entry: TarEntry | undefined; readonly isOpaque: boolean; readonly isNew: boolean }
  | { readonly kind: 'symlink'; readonly target: string; readonly isNew: boolean }
  /** All names of one file share one of these. */
  | { readonly kind: 'other'; readonly isNew: boolean; readonly bytes?: number | undefined }
  /** Hides what is below. */
  | { readonly kind: 'whiteout' }
  /** To be linked to a file of a lower layer, at the end. */
  | { readonly kind: 'later' }
  /** Was there before the layer, and is not any more. */
  | { readonly kind: 'absent' }

const mostLinks = 255

export function join(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
export function onDisk(root: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(root), Buffer.from(`/${path}`, 'latin1')])
}
/** As `path.Clean` would: no climbing above the root. */
export function partsOf(name: string): string[] {
  const parts: string[] = []
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return parts
}

export class LayerTree {
  readonly #nodes: Map<string, Node> = new Map([['', { kind: 'directory', entry: undefined, isOpaque: false, isNew: false }]])
  readonly #root: string
  readonly #isEmpty: boolean
  readonly #hasWhiteouts: boolean

  /** `isEmpty`: nothing was at `root` before. `hasWhiteouts`: a device 0/0 there is one. */
  constructor(root: string, { isEmpty, hasWhiteouts }: { readonly isEmpty: boolean; readonly hasWhiteouts: boolean }) {
    this.#root = root
    this.#isEmpty = isEmpty
    this.#hasWhiteouts = hasWhiteouts
  }
  /** Made by this layer, or known from it. */
  known(path: string): Node | undefined {
    return this.#nodes.get(path)
  }
  /** `undefined`: nothing is there, as far as this directory goes. */
  async look(path: string): Promise<Node | undefined> {
    let node = this.#nodes.get(path)
    if (node === undefined && !this.#isEmpty) {
      node = await this.#fromDisk(path)
      if (node !== undefined) this.#nodes.set(path, node)
    }
    return node?.kind === 'absent' ? undefined : node
  }
  set(path: string, node: Node): void {
    this.#nodes.set(path, node)
  }
  /** It and all below it are no more. */
  forget(path: string): void {
    if (this.#nodes.get(path)?.kind === 'directory')
      for (const known of this.#nodes.keys()) if (known.startsWith(`${path}/`)) this.#nodes.delete(known)
    this.#nodes.set(path, { kind: 'absent' })
  }
  /** Was made by this layer, or something below it. */
  holdsNew(path: string): boolean {
    const isNew = (node: Node): boolean => ('isNew' in node ? node.isNew : node.kind === 'later')
    for (const [known, node] of this.#nodes) if ((known === path || known.startsWith(`${path}/`)) && isNew(node)) return true
    return false
  }
  *entries(): IterableIterator<readonly [string, Node]> {
    yield* this.#nodes
  }

  /**
   * The directory that `parts` lead to, as seen from within: links are followed here, none by the kernel. `missing` are the
   * parts from which on nothing is there.
   */
  async resolve(parts: readonly string[]): Promise<{ readonly path: string; readonly missing: readonly string[] }> {
    const pending = [...parts].reverse()
    let path = ''
    for (let links = 0; ; ) {
      const part = pending.pop()
      if (part === undefined) return { path, missing: [] }
      if (part === '..') {
        path = parentOf(path)
        continue
      }
      const next = join(path, part)
      const node = this.#nodes.get(next) ?? (await this.look(next))
      if (node === undefined || node.kind === 'absent' || node.kind === 'whiteout')
        return { path, missing: partsOf([part, ...pending.reverse()].join('/')) }
      if (node.kind === 'directory') path = next
      else if (node.kind === 'symlink') {
        links += 1
        if (links > mostLinks) throw damaged(`"${next}" goes through too many links`)
        pending.push(
          ...node.target
            .split('/')
            .filter((one) => one !== '' && one !== '.')
            .reverse(),
        )
        if (node.target.startsWith('/')) path = ''
      } else throw new EngineError('data_loss', `layer has an entry below "${next}", which is no directory`)
    }
  }

  /** Its parents are real directories: only they come here. */
  async #fromDisk(path: string): Promise<Node | undefined> {
    const place = onDisk(this.#root, path)
    try {
      const stats = await lstat(place)
      if (stats.isDirectory()) return { kind: 'directory', entry: undefined, isOpaque: false, isNew: false }
      if (stats.isSymbolicLink()) return { kind: 'symlink', target: await readlink(place, 'latin1'), isNew: false }
      if (this.#hasWhiteouts && stats.isCharacterDevice() && stats.rdev === 0) return { kind: 'whiteout' }
      return { kind: 'other', isNew: false }
    } catch (error) {
      if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return undefined
      throw error
    }
  }
}
