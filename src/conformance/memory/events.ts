import type { CallOptions } from '../../model/common.js'
import type { Cursor, EngineEvent } from '../../model/event.js'
import type { EventLog, ReadEventsOptions } from '../../ports/engine/events.js'
import { raceAbort } from '../../util/abort.js'

interface Entry {
  readonly key: string
  readonly number: number
  readonly event: EngineEvent
}

/** Keeps the newest `limit`. One per root; give the same one to all who stand for processes on it. */
export class MemoryEvents implements EventLog {
  readonly #limit: number
  #entries: Entry[] = []
  /** How many were ever appended; a cursor is how many came before. */
  #count = 0
  #change: Change = withResolvers()
  constructor(limit: number = 10_000) {
    this.#limit = limit
  }

  async append(key: string, event: Omit<EngineEvent, 'cursor'>, options: CallOptions = {}): Promise<Cursor> {
    options.signal?.throwIfAborted()
    const known = this.#entries.find((entry) => entry.key === key)
    if (known !== undefined) return known.event.cursor
    const number = ++this.#count
    this.#entries.push({ key, number, event: { ...event, cursor: String(number) } })
    if (this.#entries.length > this.#limit) this.#entries.shift()
    this.#change.resolve()
    this.#change = withResolvers()
    return String(number)
  }
  async *read({ since, follow, signal }: ReadEventsOptions = {}): AsyncGenerator<EngineEvent> {
    signal?.throwIfAborted()
    let next = since === undefined ? this.#first() : this.#parse(since) + 1
    for (;;) {
      signal?.throwIfAborted()
      if (!(next >= this.#first())) {
        next = this.#first()
        yield gap(String(next - 1))
        continue
      }
      const change = this.#change.promise
      const entry = this.#entries[next - this.#first()]
      if (entry !== undefined) {
        next = entry.number + 1
        yield entry.event
      } else if (follow === true) await raceAbort(change, signal)
      else return
    }
  }
  async end(options: CallOptions = {}): Promise<Cursor> {
    options.signal?.throwIfAborted()
    return String(this.#count)
  }

  #first(): number {
    return this.#count - this.#entries.length + 1
  }
  /** NaN for what never was a cursor here. */
  #parse(cursor: Cursor): number {
    const number = /^(0|[1-9]\d*)$/.test(cursor) ? Number(cursor) : Number.NaN
    return number <= this.#count ? number : Number.NaN
  }
}

function gap(cursor: Cursor): EngineEvent {
  return { cursor, type: 'gap', action: 'gap', subject: { kind: 'engine', id: 'memory' }, time: new Date(), attributes: {} }
}

interface Change {
  readonly promise: Promise<void>
  resolve(): void
}
function withResolvers(): Change {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
