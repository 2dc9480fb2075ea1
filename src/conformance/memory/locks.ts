import type { CallOptions, Closeable } from '../../model/common.js'
import type { Locks } from '../../ports/engine/locks.js'
import { closeable } from '../../util/closeable.js'
import { KeyedMutex } from '../../util/keyed-mutex.js'

/** One per root; give the same one to all who stand for processes on it. */
export class MemoryLocks implements Locks {
  readonly #mutex: KeyedMutex = new KeyedMutex()

  async acquire(key: string, options: CallOptions = {}): Promise<Closeable> {
    return toCloseable(await this.#mutex.acquire(key, options))
  }
  async tryAcquire(key: string, options: CallOptions = {}): Promise<Closeable | undefined> {
    options.signal?.throwIfAborted()
    const held = this.#mutex.tryAcquire(key)
    return held && toCloseable(held)
  }
  async lead(key: string, work: (signal: AbortSignal) => Promise<void>, options: CallOptions = {}): Promise<void> {
    await using _lead = await this.acquire(`lead/${key}`, options)
    await work(options.signal ?? new AbortController().signal)
  }
}

function toCloseable(held: Disposable): Closeable {
  return closeable(async () => {
    held[Symbol.dispose]()
  })
}
