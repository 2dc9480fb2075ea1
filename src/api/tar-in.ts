// Files of this machine as a tar, on their way into a container.
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

/** What is at `path`, under the name `name`. Reads no faster than the tar is read. A link in the last place of `path` is followed. */
export async function* packTree(path: string, name: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const tar = pack()
  const packing = addTop(tar, path, name, signal).then(
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

async function addTop(tar: Pack, path: string, name: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = await handle.stat().finally(() => handle.close())
    if (!stats.isDirectory() && !stats.isFile()) throw new EngineError('failed_precondition', `"${path}" is neither a file nor a directory`)
    await (stats.isDirectory() ? addDirectory(tar, path, name, stats, signal) : addFile(tar, path, name, signal, true))
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

async function add(tar: Pack, path: string, name: string, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  const stats = await lstat(path)
  if (stats.isDirectory()) await addDirectory(tar, path, name, stats, signal)
  else if (stats.isFile()) await addFile(tar, path, name, signal, false)
  else if (stats.isSymbolicLink()) await addEmpty(tar, headers(name, stats, { type: 'symlink', linkname: await readlink(path) }))
}

async function addDirectory(tar: Pack, path: string, name: string, stats: Attributes, signal: AbortSignal | undefined): Promise<void> {
  await addEmpty(tar, headers(name, stats, { type: 'directory' }))
  for await (const { name: child } of await opendir(path))
    await add(tar, join(path, child), name === '.' ? child : `${name}/${child}`, signal)
}

async function addFile(tar: Pack, path: string, name: string, signal: AbortSignal | undefined, follow: boolean): Promise<void> {
  // It may have become something else since it was looked at: never a link, and never a fifo that blocks.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | (follow ? 0 : constants.O_NOFOLLOW))
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw new EngineError('failed_precondition', `"${path}" was replaced while it was read`)
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
