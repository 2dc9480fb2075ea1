// Sees each live process to its end: stores how it ended, then frees what is kept of it below. Any process on
// the root may, several at once; the first to store wins, and freeing twice is success.
import { setMaxListeners } from 'node:events'
import type { Trace } from '../../../model/trace.js'
import { backendClosed } from '../../../errors.js'
import type { ExitStatus, ProcessRef } from '../../../model/process.js'
import { sleep } from '../../../util/abort.js'
import { hasNoRoom } from '../../../util/fs-error.js'
import type { Cgroups } from './cgroups.js'
import { judge } from './judge.js'
import type { ProcessFiles, TaskState } from './task-files.js'
import type { CarriedExit, Carrier } from './carrier.js'

export interface Watch {
  /** Resolves when it has ended. */
  readonly exit: Promise<ExitStatus>
  /** Then: when all its output is in the files, and the carrier knows it no more. Never rejects. */
  readonly finished: Promise<void>
}
export type ExitListener = (ref: ProcessRef, exit: ExitStatus, wireId: string) => void

/** What broke with its process is given this long to be cleared away. */
const brokenMs = 10_000

export class Exits {
  readonly #carrier: Carrier
  readonly #step: (name: string) => Promise<void>
  readonly #cgroups: Cgroups
  readonly #trace: Trace
  readonly #watches: Map<string, Watch> = new Map()
  /** By the directory of their log: those that have ended, and whose output is still being copied. */
  readonly #ending: Map<string, Promise<void>> = new Map()
  readonly #listeners: Set<ExitListener> = new Set()
  readonly #closing: AbortController = new AbortController()
  /** Wire ids with nothing left below, so that `delete` need not ask. */
  readonly #released: Set<string> = new Set()
  /** Ends that the disk had no room for: their carrier goes on knowing them. */
  readonly #unstored: Set<string> = new Set()

  constructor(carrier: Carrier, cgroups: Cgroups, step: (name: string) => Promise<void>, trace: Trace) {
    this.#carrier = carrier
    this.#step = step
    this.#cgroups = cgroups
    this.#trace = trace
    setMaxListeners(0, this.#closing.signal) // one a process that is waited for
  }

  /** The one watch of this process over it. `waiting` is a Wait that was sent already. Only for what the carrier knows, or knew. */
  watch(files: ProcessFiles, state: TaskState, waiting?: Promise<CarriedExit | undefined>): Watch {
    const key = keyOf(state)
    const present = this.#watches.get(key)
    if (present !== undefined) {
      waiting?.catch(() => {})
      return present
    }
    const exit = this.#settle(files, state, waiting)
    const finished = exit
      .then(({ lost }) => this.#finish(state, lost))
      .catch((error: unknown) => {
        this.#warn(`end of ${key}`, error)
      })
    const watch = { exit, finished }
    this.#watches.set(key, watch)
    void finished.then(() => this.#watches.delete(key))
    if (state.log !== undefined) this.#noteEnding(state.log, watch)
    return watch
  }
  /** Resolves when the log there has all of a process whose end has been told. Never rejects. */
  async copied(log: string): Promise<void> {
    await this.#ending.get(log)
  }
  watched(state: TaskState): Watch | undefined {
    return this.#watches.get(keyOf(state))
  }
  /** Frees what the carrier keeps of one that has ended, unless that is done. */
  async release(state: TaskState): Promise<void> {
    const running = this.#watches.get(keyOf(state))
    if (running !== undefined) await running.finished
    else await this.#release(state)
  }
  forget(state: TaskState): void {
    this.#released.delete(keyOf(state))
    this.#unstored.delete(keyOf(state))
  }
  listen(listener: ExitListener): Disposable {
    this.#listeners.add(listener)
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener)
      },
    }
  }
  get closed(): AbortSignal {
    return this.#closing.signal
  }
  /** Nothing is waited for any more; what goes on is another's to see. */
  close(): void {
    this.#closing.abort(backendClosed())
  }

  #noteEnding(log: string, { exit, finished }: Watch): void {
    const ending = exit.then(() => this.#ending.set(log, finished))
    ending
      .then(() => finished)
      .then(() => this.#ending.delete(log))
      .catch(() => {}) // closed before it ended
  }
  async #settle(files: ProcessFiles, state: TaskState, waiting: Promise<CarriedExit | undefined> | undefined): Promise<ExitStatus> {
    const end = await this.#end(state, waiting)
    await this.#step('tasks.settle')
    const exit = (await files.exit(state)) ?? (await this.#store(files, state, end))
    for (const listener of this.#listeners) listener(state, exit, state.wireId)
    return exit
  }
  async #store(files: ProcessFiles, state: TaskState, end: CarriedExit | undefined): Promise<ExitStatus> {
    const exit = await judge(this.#cgroups, files, state, end)
    try {
      const stands = (await files.storeExit(state, exit)) ?? exit
      this.#unstored.delete(keyOf(state))
      return stands
    } catch (error) {
      if (!hasNoRoom(error)) throw error
      this.#unstored.add(keyOf(state))
      this.#warn(`end of ${keyOf(state)}`, error)
      return exit
    }
  }

  /** `undefined`: it is gone, and nobody can say how. */
  async #end(state: TaskState, waiting: Promise<CarriedExit | undefined> | undefined): Promise<CarriedExit | undefined> {
    const signal = this.closed
    let pending = waiting
    let broken: number | undefined
    for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
      try {
        return await (pending ?? this.#carrier.wait(state, { signal }))
      } catch (error) {
        signal.throwIfAborted()
        broken = this.#carrier.isBroken(error) ? (broken ?? performance.now()) : undefined
      }
      pending = undefined
      // A lost connection is no end: neither a daemon's nor a shim's. Only the carrier knowing it no more is one.
      try {
        const found = await this.#carrier.find(state, { signal, patient: true })
        if (found === undefined) return undefined
        if (found.status === 'stopped') return found
      } catch {
        signal.throwIfAborted()
      }
      if (broken !== undefined && performance.now() - broken > brokenMs) return undefined
      await sleep(pauseMs, signal)
    }
  }

  async #finish(state: TaskState, lost: boolean): Promise<void> {
    // Whoever asks next stores it, or removes it.
    if (this.#unstored.has(keyOf(state))) return
    await this.#release(state)
    if (lost && state.execId === undefined) await this.#cgroups.clear(state.cgroup)
  }
  async #release(state: TaskState): Promise<void> {
    const key = keyOf(state)
    if (this.#released.has(key)) return
    await this.#carrier.release(state, { signal: this.closed })
    this.#released.add(key)
  }
  #warn(name: string, error: unknown): void {
    if (!this.closed.aborted) this.#trace({ kind: 'warning', name, error })
  }
}

function keyOf({ wireId, execId }: TaskState): string {
  return execId === undefined ? wireId : `${wireId}/${execId}`
}
