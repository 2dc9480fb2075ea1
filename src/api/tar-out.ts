// A container's tar, on its way to this machine. What it says is a stranger's word.
import { mkdir } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { extract, type Headers } from 'tar-stream'
import { EngineError, isEngineError } from '../errors.js'
import { onAbort } from '../util/abort.js'
import { openRootedFs, type RootedFs } from '../util/rooted-fs.js'

export interface TarEntry {
  readonly header: Headers
  readonly bytes: AsyncIterable<Uint8Array>
}

/** The bytes of an entry that are not read are skipped. A tar that cannot be read is `data_loss`. */
export async function* readTar(tar: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): AsyncGenerator<TarEntry> {
  const source = Readable.from(tar, { objectMode: false })
  const entries = extract()
  let failure: unknown
  source.once('error', (error) => {
    failure = error
    entries.destroy(error)
  })
  source.pipe(entries)
  using _ = onAbort(signal, () => entries.destroy(signal?.reason))
  const explained = (error: unknown): unknown => {
    signal?.throwIfAborted()
    if (error === failure || isEngineError(error)) return error
    return new EngineError('data_loss', `the tar cannot be read: ${(error as Error).message}`, { cause: error })
  }
  try {
    for await (const entry of entries) {
      yield { header: entry.header, bytes: rethrowing(entry, explained) }
      entry.resume()
    }
  } catch (error) {
    throw explained(error)
  } finally {
    source.destroy()
    entries.destroy()
  }
}

async function* rethrowing(bytes: AsyncIterable<Uint8Array>, explained: (error: unknown) => unknown): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes
  } catch (error) {
    throw explained(error)
  }
}

/** Its first entry becomes what `place` says for one of its type, and the others are below it. */
export async function unpackTree(
  tar: AsyncIterable<Uint8Array>,
  place: (type: 'directory' | 'file') => Promise<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let target: Target | undefined
  try {
    for await (const entry of readTar(tar, signal)) {
      target ??= await openTarget(entry.header, resolve(await place(entry.header.type === 'directory' ? 'directory' : 'file')), signal)
      await put(target, entry, signal)
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    await target?.files.close()
  }
}

interface Target {
  readonly files: RootedFs
  /** The first entry's own name in the tar, and what it is called in `files`. */
  readonly from: string
  readonly to: string
}

/** A directory is a root of its own, so that no link in it reaches its neighbours. */
async function openTarget({ name, type }: Headers, path: string, signal: AbortSignal | undefined): Promise<Target> {
  if (type !== 'directory') return { files: await openRootedFs(dirname(path), { signal }), from: clean(name), to: `/${basename(path)}` }
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') throw new EngineError('not_found', `"${dirname(path)}" is not there`, { cause: error })
    if (error.code !== 'EEXIST') throw error
  })
  return { files: await openRootedFs(path, { signal }), from: clean(name), to: '' }
}

async function put({ files, from, to }: Target, { header, bytes }: TarEntry, signal: AbortSignal | undefined): Promise<void> {
  const inside = (name: string): string => to + below(from, clean(name), header.name)
  const path = inside(header.name)
  const mode = (header.mode ?? 0o644) & 0o777
  switch (header.type) {
    case 'directory':
      if (path !== '') await files.makeDirectory(path, mode | 0o700, { signal })
      return
    case 'file':
    case 'contiguous-file':
      return files.write(path, bytes, mode, { signal })
    case 'symlink':
      return replacing(files, path, signal, () => files.symlink(path, header.linkname ?? '', { signal }))
    case 'link':
      return replacing(files, path, signal, () => files.link(path, inside(header.linkname ?? ''), { signal }))
    default:
      return
  }
}

/** As `write` does with files: what is there goes, unless it is a directory. */
async function replacing(files: RootedFs, path: string, signal: AbortSignal | undefined, make: () => Promise<void>): Promise<void> {
  try {
    await make()
  } catch (error) {
    if (!isEngineError(error, 'already_exists') || (await files.stat(path, { signal })).type === 'directory') throw error
    await files.remove(path, { signal })
    await make()
  }
}

function clean(name: string): string {
  return name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')
}
/** With a slash before; empty for the first entry itself. */
function below(from: string, name: string, told: string): string {
  if (name === from) return ''
  const rest = from === '' ? name : name.startsWith(`${from}/`) ? name.slice(from.length + 1) : undefined
  if (rest === undefined || rest.split('/').includes('..'))
    throw new EngineError('data_loss', `the tar has an entry that is not below its first: ${JSON.stringify(told)}`)
  return `/${rest}`
}
