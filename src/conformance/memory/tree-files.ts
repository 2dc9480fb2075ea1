// A tree as real files in a temporary directory, and back: for code that works on a mounted root.
import { chmod, lchown, link, lstat, lutimes, mkdir, readFile, readdir, readlink, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Tree, type TreeEntry, emptyTree, put } from './tree.js'

const isRoot = process.getuid?.() === 0

/** Devices and fifos cannot be made from here, and are left out. Owners are set by root only. */
export async function writeTree(tree: Tree, directory: string): Promise<void> {
  const made = new Map<Uint8Array, string>()
  const paths = [...tree.keys()].sort()
  for (const path of paths) await make(join(directory, path), tree.get(path), made)
  for (const path of paths.reverse()) await dress(join(directory, path), tree.get(path))
}

/** What is there now; `before` knows what could not be made. */
export async function readTree(directory: string, before: Tree): Promise<Tree> {
  const tree = new Map(emptyTree)
  const seen = new Map<string, Uint8Array>()
  const read = async (path: string): Promise<void> => {
    const entry = await readEntry(join(directory, path), before.get(path), seen)
    if (entry === undefined) return
    put(tree, path, entry)
    if (entry.type !== 'directory') return
    for (const name of await readdir(join(directory, path))) await read(path === '' ? name : `${path}/${name}`)
  }
  await read('')
  for (const [path, entry] of before) {
    const parent = path.slice(0, Math.max(path.lastIndexOf('/'), 0))
    if (!materialises(entry) && !tree.has(path) && tree.get(parent)?.type === 'directory') tree.set(path, entry)
  }
  return tree
}

const materialises = ({ type }: TreeEntry): boolean => type === 'file' || type === 'directory' || type === 'symlink'

async function make(path: string, entry: TreeEntry | undefined, made: Map<Uint8Array, string>): Promise<void> {
  if (entry?.type === 'directory') await mkdir(path, { recursive: true })
  else if (entry?.type === 'symlink') await symlink(entry.target ?? '', path)
  else if (entry?.type === 'file') {
    const data = entry.data ?? new Uint8Array()
    const first = data.byteLength > 0 ? made.get(data) : undefined
    if (first === undefined) await writeFile(path, data, { flag: 'wx', mode: 0o600 })
    else await link(first, path)
    made.set(data, path)
  }
}

async function dress(path: string, entry: TreeEntry | undefined): Promise<void> {
  if (entry === undefined || !materialises(entry)) return
  if (isRoot) await lchown(path, entry.uid, entry.gid)
  if (entry.type !== 'symlink') await chmod(path, entry.mode)
  await lutimes(path, entry.modifiedAt, entry.modifiedAt)
}

async function readEntry(path: string, before: TreeEntry | undefined, seen: Map<string, Uint8Array>): Promise<TreeEntry | undefined> {
  const stat = await lstat(path)
  const owner = isRoot ? { uid: stat.uid, gid: stat.gid } : { uid: before?.uid ?? 0, gid: before?.gid ?? 0 }
  const common = { mode: stat.mode & 0o7777, ...owner, modifiedAt: stat.mtime, ...(before?.extra !== undefined && { extra: before.extra }) }
  if (stat.isDirectory()) return { type: 'directory', ...common }
  if (stat.isSymbolicLink())
    return { type: 'symlink', ...common, mode: before?.type === 'symlink' ? before.mode : 0o777, target: await readlink(path) }
  if (!stat.isFile()) return undefined
  const inode = `${stat.dev}:${stat.ino}`
  const data = seen.get(inode) ?? (await readFile(path))
  seen.set(inode, data)
  const kept = before?.data !== undefined && Buffer.compare(before.data, data) === 0 ? before.data : data
  return { type: 'file', ...common, data: kept }
}
