// Frees what nobody can see any more.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isEngineError } from '../../../errors.js'
import type { Trace } from '../../../model/trace.js'
import { openRootedFs } from '../../../util/rooted-fs.js'
import { runProgram } from '../../host/programs.js'

/** What comes within this time goes together: each command is a fork of this whole process. */
const gatherMs = 1_000
/** So many are one command's work; who brings more waits for it. */
const most = 256

/** Several may use one directory at once. What cannot go is traced, and tried again by the next one. */
export class Trash {
  readonly directory: string
  readonly #trace: Trace
  readonly #waiting: string[] = []
  #timer: NodeJS.Timeout | undefined
  #working: Promise<void> = Promise.resolve()
  constructor(directory: string, trace: Trace) {
    this.directory = directory
    this.#trace = trace
  }

  /** Now. Default: all that lies there, whoever has put it there. */
  async empty(names?: readonly string[]): Promise<void> {
    for (const name of names ?? (await readdir(this.directory))) {
      try {
        await rm(join(this.directory, name), { recursive: true, force: true })
      } catch {
        await this.#removeDeep(name)
      }
    }
  }
  /** Soon: freeing the little that a container wrote takes a disk longer than all else of its removal. */
  async emptyLater(names: readonly string[]): Promise<void> {
    this.#waiting.push(...names)
    if (this.#waiting.length >= most) return this.#work()
    this.#timer ??= setTimeout(() => void this.#work(), gatherMs).unref()
  }
  /** Nothing waits any more. */
  async close(): Promise<void> {
    await this.#work()
  }

  #work(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const names = this.#waiting.splice(0)
    if (names.length > 0) this.#working = this.#working.then(() => this.#removeAll(names))
    return this.#working
  }
  /** By a program: each of the calls would take a turn of its own here. */
  async #removeAll(names: readonly string[]): Promise<void> {
    try {
      await runProgram('rm', ['-rf', '--', ...names.map((name) => join(this.directory, name))])
    } catch {
      await this.empty(names)
    }
  }
  /** Slower, but as deep as it may be, and whoever else is at it. */
  async #removeDeep(name: string): Promise<void> {
    try {
      await using tree = await openRootedFs(this.directory)
      await tree.remove(`/${name}`)
    } catch (error) {
      if (!isEngineError(error, 'not_found')) this.#trace({ kind: 'undo', name: `remove "${name}" from the trash`, error })
    }
  }
}
