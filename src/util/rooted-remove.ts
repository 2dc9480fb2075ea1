// Takes away a tree that somebody else may be changing, however deep it is.
import { randomBytes } from 'node:crypto'
import { type FileHandle, opendir, rename, rmdir, unlink } from 'node:fs/promises'
import { EngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import { hasErrno } from './fs-error.js'
import { mountId } from './rooted-transfer.js'
import { descriptorPath, type Entry, entryPath, openEntry, type Place } from './rooted-walk.js'

/** Each level holds two descriptors. What is deeper is moved to the top of the tree first, and goes in its turn. */
const deepest = 64
/** Somebody may go on filling a directory while we empty it. */
const mostRounds = 1_000

export async function removeEntry({ directory, name }: Entry, path: string, options: CallOptions = {}): Promise<void> {
  const removal = new Removal(await mountId(directory), path, options.signal)
  await removal.remove(directory, name, 0)
}

class Removal {
  readonly #mount: string
  readonly #path: string
  readonly #signal: AbortSignal | undefined
  /** The directory that is to go, once it is open. */
  #top: FileHandle | undefined
  constructor(mount: string, path: string, signal: AbortSignal | undefined) {
    this.#mount = mount
    this.#path = path
    this.#signal = signal
  }

  async remove(directory: FileHandle, name: string, depth: number): Promise<void> {
    this.#signal?.throwIfAborted()
    const place = await unlessAbsent(openEntry(directory, name))
    if (place === undefined) return
    await using _place = place
    if ((await mountId(place.handle)) !== this.#mount) {
      throw new EngineError('failed_precondition', `something is mounted in "${this.#path}"`)
    }
    if (!place.stats.isDirectory()) await unlessAbsent(unlink(entryPath(directory, name)))
    else if (depth <= deepest) await this.#removeDirectory(directory, name, place, depth)
    else await rename(entryPath(directory, name), entryPath(this.#top as FileHandle, `.pouch-sdk-${randomBytes(8).toString('hex')}`))
  }

  async #removeDirectory(directory: FileHandle, name: string, { handle }: Place, depth: number): Promise<void> {
    this.#top ??= handle
    for (let round = 1; ; round += 1) {
      for await (const child of await opendir(descriptorPath(handle), { encoding: 'latin1' }))
        await this.remove(handle, child.name, depth + 1)
      try {
        await unlessAbsent(rmdir(entryPath(directory, name)))
        return
      } catch (error) {
        if (!hasErrno(error, 'ENOTEMPTY') || round === mostRounds) throw error
      }
    }
  }
}

async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
