// A directory per container below the engine's root.
import { closeSync, constants, existsSync, fchmodSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ContainerDirectories } from '../../ports/engine/directories.js'
import { encodeFileName } from '../../util/file-name.js'
import { fsError, hasErrno } from '../../util/fs-error.js'
import { abandonedIn, isHidden, type Removals } from './removals.js'

// Not truncated by opening: who reads it in a container sees the old text or the new one, or part of both, but not none.
const inPlace = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW

export class FileDirectories implements ContainerDirectories {
  readonly #directory: string
  readonly #volatile: string
  readonly #removals: Removals
  /** `<root>/containers`, and where texts are written, which are made anew for each run. Both are made when the first container's is. */
  constructor(directory: string, removals: Removals, volatile: string = directory) {
    this.#directory = directory
    this.#volatile = volatile
    this.#removals = removals
  }

  /** Throws `invalid_argument` for what is not its own file name. */
  path(containerId: string): string {
    if (encodeFileName(containerId || '.') !== containerId)
      throw new EngineError('invalid_argument', `"${containerId}" is not a container's id`)
    return join(this.#directory, containerId)
  }
  async write(containerId: string, name: string, text: string, options: CallOptions = {}): Promise<string> {
    options.signal?.throwIfAborted()
    if (name.includes('\0') || name.split('/').some((part) => part === '' || part === '.' || part === '..')) {
      throw new EngineError('invalid_argument', `"${name}" is not a name within a container's directory`)
    }
    const path = join(this.#volatile, basename(this.path(containerId)), name)
    try {
      writeInPlace(path, Buffer.from(text))
    } catch (error) {
      throw fsError(error, `file "${name}" of container "${containerId}"`)
    }
    return path
  }
  async remove(containerId: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const name = basename(this.path(containerId))
    try {
      for (const directory of this.#places()) await this.#removals.discard(join(directory, name))
    } catch (error) {
      throw fsError(error, `directory of container "${containerId}"`)
    }
  }
  /** Takes away what somebody who died was about to remove. */
  async *list(options: CallOptions = {}): AsyncGenerator<string> {
    options.signal?.throwIfAborted()
    await this.#removals.later(this.#places().flatMap(abandonedIn))
    const names = new Set<string>()
    for (const directory of this.#places()) {
      try {
        for (const name of await readdir(directory)) if (!isHidden(name)) names.add(name)
      } catch (error) {
        if (!hasErrno(error, 'ENOENT')) throw fsError(error, 'directories of containers')
      }
    }
    yield* names
  }

  #places(): readonly string[] {
    return [...new Set([this.#directory, this.#volatile])]
  }
}

function writeInPlace(path: string, bytes: Buffer): void {
  const file = openMaking(path)
  try {
    for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written, bytes.length - written, written)
    ftruncateSync(file, bytes.length)
    // Any user of the container reads it; on the host the directory above keeps others out.
    fchmodSync(file, 0o644)
  } finally {
    closeSync(file)
  }
}
function openMaking(path: string): number {
  const directory = dirname(path)
  if (!existsSync(directory)) mkdirSync(directory, { recursive: true, mode: 0o700 })
  return openSync(path, inPlace, 0o644)
}
