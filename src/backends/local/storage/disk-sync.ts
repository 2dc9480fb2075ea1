// Contents on the disk, by `sync -f` in a child: Node has no `syncfs`, and a call for each file would cost as much as unpacking it.
import type { CallOptions } from '../../../model/common.js'
import { raceAbort } from '../../../util/abort.js'
import type { StorageShell } from './storage-shell.js'

/** Of snapshots that nobody has committed. */
const mostRemembered = 256

/** Calls that come while one is underway share the next: layers that are unpacked side by side need a few of them, not one each. */
export class DiskSync {
  readonly #shell: Pick<StorageShell, 'sync'>
  readonly #begun: Map<string, Promise<void>> = new Map()
  #underway: Promise<void> | undefined
  #next: Promise<void> | undefined
  constructor(shell: Pick<StorageShell, 'sync'>) {
    this.#shell = shell
  }

  /** Resolves when all that was written before the call is on the disk. An abort ends the waiting only. */
  async settle({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    await raceAbort(this.#shared(), signal)
  }
  /** Nothing will come to `directory` before its commit, which then waits for what is begun here. */
  begin(directory: string): void {
    const shared = this.#shared()
    shared.catch(() => {}) // told to who commits
    this.#begun.set(directory, shared)
    const [oldest] = this.#begun.keys()
    if (this.#begun.size > mostRemembered && oldest !== undefined) this.#begun.delete(oldest)
  }
  /** As `settle`, for what was written before `begin`, where that was called. */
  async settleBegun(directory: string, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const begun = this.#begun.get(directory)
    this.#begun.delete(directory)
    await raceAbort(begun ?? this.#shared(), signal)
  }
  /** Resolves when no child of it is left. Never rejects. */
  async idle(): Promise<void> {
    while (this.#underway !== undefined) await this.#underway.catch(() => {})
  }

  #shared(): Promise<void> {
    if (this.#underway === undefined) return this.#start()
    this.#next ??= this.#underway.catch(() => {}).then(() => this.#start())
    return this.#next
  }
  #start(): Promise<void> {
    this.#next = undefined
    const running = this.#shell.sync().finally(() => {
      if (this.#underway === running) this.#underway = undefined
    })
    this.#underway = running
    return running
  }
}
