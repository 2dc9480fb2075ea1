// Files of this machine as a tar, on their way into a container or a build.
import { constants, lstat, open, opendir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Headers, pack, type Pack } from 'tar-stream'
import { EngineError } from '../errors.js'

export function packFile(name: string, mode: number, bytes: string | Uint8Array): AsyncIterable<Uint8Array> {
  const tar = pack()
  tar.entry({ name, mode, uid: 0, gid: 0, mtime: new Date() }, typeof bytes === 'string' ? bytes : Buffer.from(bytes))
  tar.finalize()
  return tar
}

export interface PackOptions {
  readonly signal?: AbortSignal | undefined
  /** What becomes of a path below the top one, which is named without a slash before it. `enter`: not itself, but perhaps what is in it. */
  readonly choose?: ((path: string, isDirectory: boolean) => 'take' | 'leave' | 'enter') | undefined
}

/** What is at `path`, under the name `name`. Reads no faster than the tar is read. A link in the last place of `path` is followed. */
export async function* packTree(path: string, name: string, options: PackOptions = {}): AsyncGenerator<Uint8Array> {
  const tar = pack()
  const packing = addTop({ ...options, tar, linked: new Map() }, path, name).then(
    () => tar.finalize(),
    (error: Error) => tar.destroy(error),
  )
  try {
    yield* tar
  } finally {
    tar.destroy()
    await packing
  }
}

interface Packing extends PackOptions {
  readonly tar: Pack
  /** Names of files that have others, by device and inode. */
  readonly linked: Map<string, string>
}

async function addTop(packing: Packing, path: string, name: string): Promise<void> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await handle.stat().finally(() => handle.close())
    if (!stats.isDirectory() && !stats.isFile()) throw new EngineError('failed_precondition', `"${path}" is neither a file nor a directory`)
    if (!stats.isDirectory()) return await addFile(packing, path, name, true)
    if (packing.choose === undefined) await addEmpty(packing.tar, headers(name, stats, { type: 'directory' }))
    await addChildren(packing, path, name === '.' ? '' : `${name}/`, '')
  } catch (error) {
    throw fsError(error, path)
  }
}

type Attributes = Pick<Awaited<ReturnType<typeof lstat>>, 'mode' | 'mtime'>
/** Owned by root: what this machine's ids mean to the container is not known. */
const headers = (name: string, { mode, mtime }: Attributes, more: Partial<Headers>): Headers => ({
  name,
  mode: Number(mode) & 0o7777,
  mtime,
  uid: 0,
  gid: 0,
  ...more,
})

/** `before` comes before the names in the tar, `below` says where in the tree they are. */
async function addChildren(packing: Packing, path: string, before: string, below: string): Promise<void> {
  for await (const { name } of await opendir(path)) {
    packing.signal?.throwIfAborted()
    const child = join(path, name)
    const stats = await lstat(child)
    const choice = packing.choose?.(below + name, stats.isDirectory()) ?? 'take'
    if (choice === 'leave') continue
    if (stats.isDirectory()) {
      if (choice === 'take') await addEmpty(packing.tar, headers(before + name, stats, { type: 'directory' }))
      await addChildren(packing, child, `${before}${name}/`, `${below}${name}/`)
    } else if (choice === 'enter') continue
    else if (stats.isFile()) await addFile(packing, child, before + name, false)
    else if (stats.isSymbolicLink())
      await addEmpty(packing.tar, headers(before + name, stats, { type: 'symlink', linkname: await readlink(child) }))
  }
}

async function addFile({ tar, signal, linked }: Packing, path: string, name: string, follow: boolean): Promise<void> {
  // It may have become something else since it was looked at: never a link, and never a fifo that blocks.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | (follow ? 0 : constants.O_NOFOLLOW))
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new EngineError('failed_precondition', `"${path}" was replaced while it was read`)
    const inode = `${stats.dev}:${stats.ino}`
    const other = stats.nlink > 1 ? linked.get(inode) : undefined
    if (other !== undefined) return await addEmpty(tar, headers(name, stats, { type: 'link', linkname: other }))
    if (stats.nlink > 1) linked.set(inode, name)
    const entry = tar.entry(headers(name, stats, { size: stats.size }))
    if (stats.size === 0) return void entry.end()
    // A file that grows meanwhile is cut where it ended; one that shrinks fails, since its size is told already.
    const bytes = handle.createReadStream({ autoClose: false, start: 0, end: stats.size - 1 })
    await pipeline(bytes, entry, { signal })
  } finally {
    await handle.close()
  }
}

function addEmpty(tar: Pack, header: Headers): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, '', (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

function fsError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return new EngineError('not_found', `"${path}" is not there`, { cause: error })
  return code === 'EACCES' ? new EngineError('permission_denied', `"${path}" may not be read`, { cause: error }) : error
}
