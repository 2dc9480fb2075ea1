// A file system as a map, for storage without a disk. Entries are never changed, so a copied map is a snapshot.
import { EngineError } from '../../errors.js'

export interface TreeEntry {
  readonly type: 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo'
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly modifiedAt: Date
  /** Of a file. The same array for two paths: a hard link. */
  readonly data?: Uint8Array | undefined
  /** Of a link. */
  readonly target?: string | undefined
  readonly device?: { readonly major: number; readonly minor: number } | undefined
  /** Extended attributes and what else a header of a tar file may carry. */
  readonly extra?: Readonly<Record<string, string>> | undefined
}
/** By path without a slash at either end; the root itself is `''`. The parent of each is there, and a directory. */
export type Tree = ReadonlyMap<string, TreeEntry>

const plainDirectory: TreeEntry = { type: 'directory', mode: 0o755, uid: 0, gid: 0, modifiedAt: new Date(0) }
export const emptyTree: Tree = new Map([['', plainDirectory]])

/** `..` above the root is the root. */
export function normalise(path: string): string {
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}
export function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
/** Links on the way are followed within the tree, the last part is not; what is missing on the way stands for itself. */
export function resolve(tree: Tree, path: string): string {
  let done = ''
  let rest = normalise(path).split('/')
  for (let links = 0; rest.length > 1; ) {
    const next = normalise(`${done}/${rest.shift() ?? ''}`)
    const entry = tree.get(next)
    if (entry?.type !== 'symlink') {
      done = next
      continue
    }
    if (++links > 40) throw new EngineError('invalid_argument', `path "${path}" leads through too many links`)
    const target = entry.target ?? ''
    rest = [...normalise(target.startsWith('/') ? target : `${done}/${target}`).split('/'), ...rest]
    done = ''
  }
  return normalise(`${done}/${rest[0] ?? ''}`)
}
/** Adds or replaces; a directory over a directory keeps what is below. Missing parents are made. */
export function put(tree: Map<string, TreeEntry>, path: string, entry: TreeEntry): void {
  const parent = parentOf(path)
  if (path !== '' && tree.get(parent)?.type !== 'directory') put(tree, parent, plainDirectory)
  if (entry.type !== 'directory') cut(tree, path)
  tree.set(path, entry)
}
/** With all below it. */
export function cut(tree: Map<string, TreeEntry>, path: string): void {
  for (const other of below(tree, path)) tree.delete(other)
  tree.delete(path)
}
export function below(tree: Tree, path: string): string[] {
  const prefix = path === '' ? '' : `${path}/`
  return [...tree.keys()].filter((other) => other !== path && other.startsWith(prefix))
}
export function sizeOf(entry: TreeEntry): number {
  return entry.data?.byteLength ?? 0
}
export function sameEntry(a: TreeEntry, b: TreeEntry): boolean {
  if (a === b) return true
  return facts(a) === facts(b) && (a.data === b.data || Buffer.compare(a.data ?? empty, b.data ?? empty) === 0)
}

const empty = new Uint8Array()
function facts({ type, mode, uid, gid, modifiedAt, target, device, extra }: TreeEntry): string {
  return JSON.stringify([type, mode, uid, gid, Math.floor(modifiedAt.getTime() / 1000), target, device, extra])
}
