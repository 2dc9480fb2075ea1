// A mutex per key within this process, first come first served. Between processes: `ports/engine/locks.ts`.
import type { CallOptions } from '../model/common.js'
import { raceAbort } from './abort.js'

export class KeyedMutex {
  /** Present while somebody holds the key; the waiting, oldest first. */
  readonly #queues: Map<string, Set<() => void>> = new Map()

  /** Resolves with what frees it. An abort rejects with the reason and has left the queue. */
  async acquire(key: string, { signal }: CallOptions = {}): Promise<Disposable> {
    signal?.throwIfAborted()
    const free = this.tryAcquire(key)
    if (free !== undefined) return free
    const queue = this.#queues.get(key) as Set<() => void>
    let next = (): void => {}
    const turn = new Promise<void>((resolve) => {
      next = resolve
    })
    queue.add(next)
    try {
      await raceAbort(turn, signal)
    } catch (error) {
      // An abort in the very moment of our turn: the next one gets it.
      if (!queue.delete(next)) this.#held(key)[Symbol.dispose]()
      throw error
    }
    return this.#held(key)
  }
  /** `undefined` when somebody holds it. */
  tryAcquire(key: string): Disposable | undefined {
    if (this.#queues.has(key)) return undefined
    this.#queues.set(key, new Set())
    return this.#held(key)
  }

  #held(key: string): Disposable {
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        const queue = this.#queues.get(key)
        const [next] = queue ?? []
        if (next === undefined) {
          this.#queues.delete(key)
          return
        }
        queue?.delete(next)
        next()
      },
    }
  }
}
