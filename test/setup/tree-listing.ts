// What is in a directory tree, to the bit: by lstat and `getfattr`, not by anything of ours.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, opendir, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'

export interface ListedEntry {
  readonly type: string
  readonly mode: string
  readonly owner: string
  readonly mtimeNs: string
  readonly links: string
  /** Size and digest of a file, target of a link, number of a device. */
  readonly holds: string
  /** The first path, in order, that is the same file. */
  readonly sameAs: string
  readonly xattrs: Readonly<Record<string, string>>
}

/** By path, whose bytes stand for themselves in latin1. The root is `.`. */
export async function listTree(root: string): Promise<Record<string, ListedEntry>> {
  const paths: string[] = ['.']
  await walk(root, '', paths)
  const xattrs = await readXattrs(root)
  const first = new Map<string, string>()
  const entries: Record<string, ListedEntry> = {}
  for (const path of paths.sort()) {
    const at = bytesOf(`${root}/${path}`)
    const stat = await lstat(at, { bigint: true })
    const id = `${stat.dev}:${stat.ino}`
    if (!first.has(id)) first.set(id, path)
    entries[path] = {
      type: typeOf(stat),
      mode: (stat.mode & 0o7777n).toString(8),
      owner: `${stat.uid}:${stat.gid}`,
      mtimeNs: String(stat.mtimeNs),
      links: stat.isDirectory() ? '' : String(stat.nlink),
      holds: stat.isFile() ? `${stat.size} ${await digest(at)}` : stat.isSymbolicLink() ? await readlink(at, 'latin1') : String(stat.rdev),
      sameAs: first.get(id) ?? '',
      xattrs: xattrs.get(path) ?? {},
    }
  }
  return entries
}

const bytesOf = (path: string): Buffer => Buffer.from(path, 'latin1')
async function walk(root: string, directory: string, paths: string[]): Promise<void> {
  for await (const entry of await opendir(bytesOf(`${root}/${directory}`), { encoding: 'latin1' })) {
    const path = directory === '' ? entry.name : `${directory}/${entry.name}`
    paths.push(path)
    if (entry.isDirectory()) await walk(root, path, paths)
  }
}
function typeOf(stat: {
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
  isFIFO(): boolean
  isBlockDevice(): boolean
}): string {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symlink'
  if (stat.isFIFO()) return 'fifo'
  return stat.isBlockDevice() ? 'block' : 'character'
}
async function digest(path: Buffer): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

async function readXattrs(root: string): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const { stdout } = await promisify(execFile)(
    'getfattr',
    ['--recursive', '--physical', '--no-dereference', '--dump', '--match=-', '--encoding=hex', '.'],
    {
      cwd: root,
      encoding: 'latin1',
      maxBuffer: 64 << 20,
    },
  )
  const all = new Map<string, Record<string, string>>()
  for (const part of stdout.split('\n\n')) {
    const [head = '', ...lines] = part.split('\n')
    const path = unquote(head.replace(/^# file: /, ''))
    all.set(
      path,
      Object.fromEntries(
        lines.filter((line) => line !== '').map((line) => [unquote(line.slice(0, line.indexOf('='))), line.slice(line.indexOf('=') + 1)]),
      ),
    )
  }
  return all
}
function unquote(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
}
