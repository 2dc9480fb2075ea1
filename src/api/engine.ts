import { EngineError } from '../errors.js'
import type { CallOptions, Closeable } from '../model/common.js'
import type { Cursor, EngineEvent } from '../model/event.js'
import type { CheckItem, DaemonChange, DiskUsage, EngineInfo, RepairReport } from '../model/system.js'
import type { Backend, Capability } from '../ports/backend/backend.js'
import type { EventsOptions } from '../ports/backend/system.js'
import { closeable } from '../util/closeable.js'
import { Containers } from './containers.js'
import { EventHub, type EventListener, type EventName } from './event-hub.js'
import { Images } from './images.js'
import { checkInput, checkOptional } from './input/check.js'
import { callOptions } from './input/fields.js'
import { daemonChange, eventsOptions } from './input/system.js'
import { Networks } from './networks.js'
import { untilClosed } from './until-closed.js'
import { Volumes } from './volumes.js'

/** A way of running containers, whichever it is. Closing it ends what it owns (`run`, `createOwned`), and no other container. */
export class Engine implements Closeable {
  readonly containers: Containers
  readonly images: Images
  readonly networks: Networks
  readonly volumes: Volumes
  readonly #backend: Backend
  readonly #hub: EventHub
  readonly #closing: Closeable

  /** Takes the backend over: closing the engine closes it. */
  constructor(backend: Backend) {
    // Plain JavaScript forgets an await.
    if (typeof backend !== 'object' || backend === null || 'then' in backend)
      throw new EngineError(
        'invalid_argument',
        'new Engine() takes what openLocal, connectHttp or connectContainerd resolves with: await it',
      )
    const open = untilClosed(backend)
    this.#backend = open
    this.containers = new Containers(open)
    this.images = new Images(open)
    this.networks = new Networks(open)
    this.volumes = new Volumes(open)
    this.#hub = new EventHub(open.system)
    this.#closing = closeable(async () => {
      this.#hub.close()
      await open.close()
    })
  }

  /** Of the backend, for messages. Code that wants to branch asks `supports`. */
  get name(): string {
    return this.#backend.name
  }
  /** No I/O. What is missing throws `unsupported` when it is called. */
  supports(capability: Capability): boolean {
    return this.#backend.supports(capability)
  }
  async info(options?: CallOptions): Promise<EngineInfo> {
    return this.#backend.system.info(checkOptional(callOptions, options, 'info'))
  }
  /** What this machine and daemon can and cannot do, and why. Without a daemon each runtime is tried once: one that hangs is ended after 10 seconds, one that fails is tried anew by the next call. */
  async check(options?: CallOptions): Promise<readonly CheckItem[]> {
    return this.#backend.system.check(checkOptional(callOptions, options, 'check'))
  }
  async diskUsage(options?: CallOptions): Promise<DiskUsage> {
    return this.#backend.system.diskUsage(checkOptional(callOptions, options, 'diskUsage'))
  }
  /** Puts right what a crash left. Opening does the same. */
  async repair(options?: CallOptions): Promise<RepairReport> {
    return this.#backend.system.repair(checkOptional(callOptions, options, 'repair'))
  }
  /** Tells the daemon something about itself, such as its labels; it forgets it when it ends. With the capability `daemon_update`. */
  async updateDaemon(change: DaemonChange, options?: CallOptions): Promise<void> {
    return this.#backend.system.updateDaemon(
      checkInput(daemonChange, change, 'updateDaemon'),
      checkOptional(callOptions, options, 'updateDaemon'),
    )
  }
  events(options?: EventsOptions): AsyncIterable<EngineEvent> {
    return this.#backend.system.events(checkOptional(eventsOptions, options, 'events'))
  }
  /** Where the history ends now: to miss nothing, take it, act, then read `events({ since })`. */
  async cursor(options?: CallOptions): Promise<Cursor> {
    return this.#backend.system.cursor(checkOptional(callOptions, options, 'cursor'))
  }
  /** From soon after the call on; who must miss nothing uses `events`. */
  on(name: EventName, listener: EventListener): this {
    this.#hub.on(name, listener)
    return this
  }
  off(name: EventName, listener: EventListener): this {
    this.#hub.off(name, listener)
    return this
  }
  /**
   * Ends what is owned and cuts off what is being made. What is under way, or called afterwards on any handle, is `failed_precondition`. Twice is success;
   * never rejects.
   */
  close(): Promise<void> {
    return this.#closing.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing.close()
  }
}
