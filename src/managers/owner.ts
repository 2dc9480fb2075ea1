// Whose owned containers are: a name for as long as this engine is open, told alive or dead by a lock.
import { randomUUID } from 'node:crypto'
import type { CallOptions, Closeable } from '../model/common.js'
import type { Locks } from '../ports/engine/locks.js'

export class Owner {
  readonly #locks: Pick<Locks, 'acquire' | 'tryAcquire'>
  readonly #name: string = randomUUID()
  #held: Promise<Closeable> | undefined
  constructor(locks: Pick<Locks, 'acquire' | 'tryAcquire'>) {
    this.#locks = locks
  }

  /** Resolves with our name once it is known to be alive. */
  async name(options: CallOptions = {}): Promise<string> {
    options.signal?.throwIfAborted()
    this.#held ??= this.#locks.acquire(key(this.#name))
    try {
      await this.#held
    } catch (error) {
      this.#held = undefined
      throw error
    }
    return this.#name
  }

  /** True when that engine is closed or dead; never for our own. */
  async isGone(owner: string, options: CallOptions = {}): Promise<boolean> {
    if (owner === this.#name) return false
    const lock = await this.#locks.tryAcquire(key(owner), options)
    await lock?.close()
    return lock !== undefined
  }

  /** True when containers may be ours. */
  get used(): boolean {
    return this.#held !== undefined
  }
  owns(owner: string | undefined): boolean {
    return owner === this.#name
  }
  async release(): Promise<void> {
    await (await this.#held)?.close()
  }
}

const key = (name: string): string => `owner/${name}`
