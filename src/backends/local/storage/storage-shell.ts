// A shell that forks for us while there is something to unpack or to sync. A fork of this process costs its main thread milliseconds, more with
// each megabyte that it has, and then a fault on every page that it touches; one of a shell costs next to nothing.
import { relative } from 'node:path'
import { EngineError } from '../../../errors.js'
import type { Closeable } from '../../../model/common.js'
import { closeable } from '../../../util/closeable.js'
import { RunningShell, type TarJob } from './running-shell.js'

export interface ShownTree extends Closeable {
  readonly root: string
  /** tar, which makes an archive of the names below it that are written to it, each with a zero byte after it. */
  create(): Promise<TarJob>
}
/** After the last job. */
const idleMs = 1_000

/** Jobs that are underway when it is closed fail. */
export class StorageShell implements Closeable {
  readonly #directory: string
  readonly #place: string
  #running: Promise<RunningShell> | undefined
  #jobs = 0
  #resting: NodeJS.Timeout | undefined

  /** `directory` is the store's; `place` an empty one, made if need be. */
  constructor(directory: string, place: string) {
    this.#directory = directory
    this.#place = place
  }
  /** tar, which unpacks what is written to it. `root` is a directory of the store. */
  extract(root: string): Promise<TarJob> {
    const path = this.#within(root)
    return this.#tar((shell) => shell.extract(path))
  }
  /** Directories of the store on each other, the topmost first, to be read. */
  async show(lowers: readonly string[]): Promise<ShownTree> {
    const paths = lowers.map((lower) => this.#within(lower).split('/'))
    const common = paths.every(([first]) => first === paths[0]?.[0]) ? (paths[0]?.[0] ?? '.') : '.'
    const names = paths.map((parts) => (common === '.' ? parts : parts.slice(1)).join('/'))
    const shell = await this.#begin()
    try {
      const shown = await shell.show(common, names)
      return {
        root: shown.root,
        create: () => this.#tar(() => shell.create(shown)),
        ...closeable(async () => {
          await shell.hide(shown).catch(() => {}) // it goes with the shell
          this.#end(shell)
        }),
      }
    } catch (error) {
      this.#end(shell)
      throw error
    }
  }
  /** Resolves when all that was written to the store's file system before is on the disk. */
  async sync(): Promise<void> {
    const shell = await this.#begin()
    try {
      await shell.sync()
    } finally {
      this.#end(shell)
    }
  }
  async close(): Promise<void> {
    clearTimeout(this.#resting)
    const running = this.#running
    this.#running = undefined
    await running?.then((shell) => shell.close()).catch(() => {})
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #tar(start: (shell: RunningShell) => Promise<TarJob>): Promise<TarJob> {
    const shell = await this.#begin()
    const end = (): void => this.#end(shell)
    try {
      const job = await start(shell)
      job.ended.then(end, end)
      return job
    } catch (error) {
      end()
      throw error
    }
  }
  /** Without spaces, which would part the words of an order. */
  #within(path: string): string {
    const within = relative(this.#directory, path)
    if (/^\w[\w/.-]*$/.test(within)) return within
    throw new EngineError('internal', `"${path}" is no directory of the store`)
  }
  async #begin(): Promise<RunningShell> {
    this.#jobs += 1
    clearTimeout(this.#resting)
    const starting = (this.#running ??= this.#start())
    try {
      const shell = await starting
      shell.keepAlive(true)
      return shell
    } catch (error) {
      this.#jobs -= 1
      throw error
    }
  }
  #start(): Promise<RunningShell> {
    const starting = RunningShell.start(this.#directory, this.#place)
    const forget = (): void => {
      if (this.#running === starting) this.#running = undefined
    }
    starting.then((shell) => shell.gone).then(forget, forget)
    return starting
  }
  #end(shell: RunningShell): void {
    this.#jobs -= 1
    if (this.#jobs > 0) return
    shell.keepAlive(false)
    this.#resting = setTimeout(() => void this.close(), idleMs).unref()
  }
}
