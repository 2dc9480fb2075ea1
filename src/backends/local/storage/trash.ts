// A directory of what nobody can see any more.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Removals } from '../../host/removals.js'

/** Several may use one directory at once. */
export class Trash {
  readonly directory: string
  readonly #removals: Removals
  constructor(directory: string, removals: Removals) {
    this.directory = directory
    this.#removals = removals
  }

  /** Now. Default: all that lies there, whoever has put it there. */
  async empty(names?: readonly string[]): Promise<void> {
    await this.#removals.now(this.#paths(names ?? (await readdir(this.directory))))
  }
  /** Soon: freeing the little that a container wrote takes a disk longer than all else of its removal. */
  async emptyLater(names: readonly string[]): Promise<void> {
    await this.#removals.later(this.#paths(names))
  }
  #paths(names: readonly string[]): readonly string[] {
    return names.map((name) => join(this.directory, name))
  }
}
