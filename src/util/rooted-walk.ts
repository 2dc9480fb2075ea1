// How a path is resolved within a root that a stranger may change at any moment: one component at a time, by descriptors.
import type { Stats } from 'node:fs'
import { constants } from 'node:fs'
import { type FileHandle, open, readlink } from 'node:fs/promises'
import { EngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import { fsError, hasErrno } from './fs-error.js'

// Not among Node's constants; the same on every architecture that Node supports.
const O_PATH = 0o10_000_000
/** Names a thing without opening it: a fifo does not block, a device does nothing, a link is not followed. */
const nameOnly = O_PATH | constants.O_NOFOLLOW
const mostLinks = 40
/** A walk upwards starts anew from the root, so the work is bounded apart from the links. */
const mostSteps = 20_000
const longestPath = 4_096

/** What a path named at one moment, held by a descriptor. Whoever gets it closes it. */
export interface Place extends AsyncDisposable {
  readonly handle: FileHandle
  readonly stats: Stats
}
/** A directory and a name in it, which may be there or not. */
export interface Entry extends AsyncDisposable {
  readonly directory: FileHandle
  /** In bytes of latin1, as all names here: names need not be UTF-8. */
  readonly name: string
}

export function openRoot(path: string): Promise<FileHandle> {
  return open(path, O_PATH | constants.O_DIRECTORY)
}
/** The path by which the kernel finds what a descriptor holds, without a look at any name. */
export function descriptorPath(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`
}
export function entryPath(directory: FileHandle, name: string): Buffer {
  return Buffer.from(`${descriptorPath(directory)}/${name}`, 'latin1')
}
/** Opens what `name` is right now, link or not, with a look at nothing but it. */
export async function openEntry(directory: FileHandle, name: string): Promise<Place> {
  const handle = await open(entryPath(directory, name), nameOnly)
  try {
    return { handle, stats: await handle.stat(), [Symbol.asyncDispose]: () => handle.close() }
  } catch (error) {
    await handle.close()
    throw error
  }
}

export interface WalkOptions extends CallOptions {
  /** A link in the last place is resolved, too. */
  readonly follow?: boolean | undefined
}

export function walk(root: FileHandle, path: string, options: WalkOptions = {}): Promise<Place> {
  return walkNames(root, path, split(path), options)
}

/** The directory above the last name, which is not resolved. */
export async function walkToParent(root: FileHandle, path: string, options: CallOptions = {}): Promise<Entry> {
  const names = split(path)
  const name = names.pop()
  if (name === undefined || name === '..') throw new EngineError('invalid_argument', `"${path}" does not end in a name`)
  const { handle, stats } = await walkNames(root, path, names, { signal: options.signal, follow: true })
  if (!stats.isDirectory()) {
    await handle.close()
    throw notBelowDirectory(path)
  }
  return { directory: handle, name, [Symbol.asyncDispose]: () => handle.close() }
}

async function walkNames(root: FileHandle, path: string, names: readonly string[], options: WalkOptions): Promise<Place> {
  const walker = new Walker(root, path, names, options)
  try {
    return await walker.run()
  } catch (error) {
    await walker.close()
    throw fsError(error, `"${path}"`)
  }
}

function notBelowDirectory(path: string): EngineError {
  return new EngineError('failed_precondition', `"${path}": not below a directory`)
}

class Walker {
  readonly #root: FileHandle
  readonly #path: string
  readonly #options: WalkOptions
  /** What is still to be looked up, the next one last. */
  #pending: string[]
  /** Where `#current` was found. */
  #names: string[] = []
  /** Undefined: the root. */
  #current: Place | undefined
  #links = 0

  constructor(root: FileHandle, path: string, names: readonly string[], options: WalkOptions) {
    this.#root = root
    this.#path = path
    this.#options = options
    this.#pending = [...names].reverse()
  }

  async run(): Promise<Place> {
    for (let steps = 0; ; steps += 1) {
      this.#options.signal?.throwIfAborted()
      const name = this.#pending.pop()
      if (name === undefined) break
      if (steps > mostSteps) throw new EngineError('failed_precondition', `"${this.#path}" takes more than ${mostSteps} steps`)
      if (name === '..') await this.#restart(this.#names.slice(0, -1))
      else await this.#enter(name)
    }
    return this.#current ?? (await openEntry(this.#root, '.'))
  }
  async close(): Promise<void> {
    const { handle } = this.#current ?? {}
    this.#current = undefined
    await handle?.close()
  }

  /**
   * Never the kernel's `..`, which would leave through a directory that was moved meanwhile. What was a directory and
   * is a link now is resolved like any other.
   */
  async #restart(names: readonly string[]): Promise<void> {
    this.#pending.push(...[...names].reverse())
    this.#names = []
    await this.close()
  }
  async #enter(name: string): Promise<void> {
    const directory = this.#current?.handle ?? this.#root
    const next = await openEntry(directory, name)
    if (next.stats.isSymbolicLink() && (this.#pending.length > 0 || this.#options.follow === true)) {
      await next.handle.close()
      await this.#follow(directory, name)
      return
    }
    if (!next.stats.isDirectory() && this.#pending.length > 0) {
      await next.handle.close()
      throw notBelowDirectory(this.#path)
    }
    await this.close()
    this.#current = next
    this.#names.push(name)
  }
  async #follow(directory: FileHandle, name: string): Promise<void> {
    this.#links += 1
    if (this.#links > mostLinks) throw new EngineError('failed_precondition', `"${this.#path}" goes through more than ${mostLinks} links`)
    let target: string
    try {
      target = await readlink(entryPath(directory, name), 'latin1')
    } catch (error) {
      if (!hasErrno(error, 'EINVAL')) throw error
      this.#pending.push(name) // no link any more: look again
      return
    }
    this.#pending.push(...parts(target).reverse())
    if (target.startsWith('/')) await this.#restart([])
  }
}

function split(path: string): string[] {
  if (!path.startsWith('/')) throw new EngineError('invalid_argument', `"${path}" is not absolute`)
  if (path.includes('\0')) throw new EngineError('invalid_argument', 'a path has no zero byte')
  const bytes = Buffer.from(path).toString('latin1')
  if (bytes.length > longestPath) throw new EngineError('invalid_argument', `a path of ${bytes.length} bytes is too long`)
  return parts(bytes)
}
function parts(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}
