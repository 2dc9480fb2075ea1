// `engine.on()`: one event stream behind all listeners, open as long as there are any.
import { EventEmitter } from 'eventemitter3'
import { EngineError, engineClosed } from '../errors.js'
import type { EngineEvent, EventType } from '../model/event.js'
import type { SystemService } from '../ports/backend/system.js'
import { sleep } from '../util/abort.js'

/** `container.exit`, `image.pull` ...; `gap`: events were lost, list again. */
export type EventName = `${EventType}.${string}` | 'gap'
export type EventListener = (event: EngineEvent) => void

const types: Readonly<Record<EventType, true>> = { container: true, exec: true, image: true, network: true, volume: true, engine: true }
const leastRetryMs = 50
const mostRetryMs = 5_000

export class EventHub {
  readonly #system: Pick<SystemService, 'events' | 'cursor'>
  readonly #emitter: EventEmitter<string, unknown> = new EventEmitter()
  #following: AbortController | undefined
  #closed = false
  constructor(system: Pick<SystemService, 'events' | 'cursor'>) {
    this.#system = system
  }

  on(name: EventName, listener: EventListener): void {
    if (this.#closed) throw engineClosed()
    if (name !== 'gap' && !Object.hasOwn(types, name.split('.', 1)[0] ?? ''))
      throw new EngineError('invalid_argument', `there is no event "${name}": names are such as "container.exit" or "image.pull"`)
    this.#emitter.on(name, listener)
    if (this.#following !== undefined) return
    this.#following = new AbortController()
    void this.#follow(this.#following.signal)
  }
  off(name: EventName, listener: EventListener): void {
    this.#emitter.off(name, listener)
    if (this.#emitter.eventNames().length === 0) this.#rest()
  }
  /** Ends the stream and forgets the listeners, for good. */
  close(): void {
    this.#closed = true
    this.#emitter.removeAllListeners()
    this.#rest()
  }

  #rest(): void {
    this.#following?.abort()
    this.#following = undefined
  }

  /** A stream that breaks is taken up again after the last event seen. */
  async #follow(signal: AbortSignal): Promise<void> {
    let since: string | undefined
    let retryMs = leastRetryMs
    while (!signal.aborted) {
      try {
        since ??= await this.#system.cursor({ signal })
        for await (const event of this.#system.events({ since, signal })) {
          since = event.cursor
          retryMs = leastRetryMs
          this.#tell(event)
        }
      } catch {
        if (signal.aborted) return
      }
      await sleep(retryMs, signal).catch(() => {})
      retryMs = Math.min(retryMs * 2, mostRetryMs)
    }
  }
  /** A listener that throws is its owner's bug: told as Node tells it, and no reason to miss the next event. */
  #tell(event: EngineEvent): void {
    try {
      this.#emitter.emit(event.type === 'gap' ? 'gap' : `${event.type}.${event.action}`, event)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
