// Reads a source at its own pace, for those who must not be slow with it, into a queue with a limit.
import { linkedSignal } from './abort.js'

export interface ReadAhead<T> {
  /** How much may wait, in what `weigh` counts. */
  readonly room: number
  weigh(item: T): number
  /** What waits in place of all that found no room: made anew with each of them. */
  lost(item: T): T
  readonly signal?: AbortSignal | undefined
}

/**
 * Begins with the first item that is asked for, and reads on whether or not anybody asks for more. What comes while there is no room is
 * dropped, and told by one item in its place. What the source throws comes behind what came before it; an abort comes at once. Leaving aborts
 * the source's signal, and waits for its end.
 */
export async function* readAhead<T>(
  source: (signal: AbortSignal) => AsyncIterable<T>,
  { room, weigh, lost, signal }: ReadAhead<T>,
): AsyncGenerator<T, void, undefined> {
  const queue = new Queue<T>(room, weigh, lost)
  using reading = linkedSignal(signal)
  const filling = fill(queue, source(reading.signal))
  try {
    for (;;) {
      signal?.throwIfAborted()
      const item = queue.take()
      if (item !== undefined) yield item.value
      else if (queue.end !== undefined) break
      else await queue.changed
    }
    signal?.throwIfAborted()
    if (queue.end.failed) throw queue.end.error
  } finally {
    reading.abort(new Error('nobody reads any more'))
    await filling
  }
}

async function fill<T>(queue: Queue<T>, source: AsyncIterable<T>): Promise<void> {
  try {
    for await (const item of source) queue.put(item)
    queue.close({ failed: false })
  } catch (error) {
    queue.close({ failed: true, error })
  }
}

type End = { readonly failed: false } | { readonly failed: true; readonly error: unknown }

class Queue<T> {
  end: End | undefined
  changed: Promise<void> = new Promise(() => {})
  readonly #room: number
  readonly #weigh: (item: T) => number
  readonly #lost: (item: T) => T
  readonly #waiting: { readonly value: T; readonly weight: number }[] = []
  #weight = 0
  /** The last that waits stands for some that were dropped, and nothing has been let in since. */
  #full = false
  #wake = (): void => {}

  constructor(room: number, weigh: (item: T) => number, lost: (item: T) => T) {
    this.#room = room
    this.#weigh = weigh
    this.#lost = lost
    this.#renew()
  }

  put(item: T): void {
    const weight = this.#weigh(item)
    const fits = this.#weight + weight <= this.#room || this.#waiting.length === 0
    if (fits) {
      this.#waiting.push({ value: item, weight })
      this.#weight += weight
    } else {
      if (this.#full) this.#waiting.pop()
      this.#waiting.push({ value: this.#lost(item), weight: 0 })
    }
    this.#full = !fits
    this.#renew()
  }
  take(): { readonly value: T } | undefined {
    const first = this.#waiting.shift()
    if (first === undefined) return undefined
    this.#weight -= first.weight
    if (this.#waiting.length === 0) this.#full = false
    return first
  }
  close(end: End): void {
    this.end = end
    this.#renew()
  }

  #renew(): void {
    this.#wake()
    this.changed = new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
