// The history of one root as files of lines: appended under a lock, read and followed by every process without one.
import { mkdir } from 'node:fs/promises'
import { backendClosed } from '../../errors.js'
import type { CallOptions, Closeable } from '../../model/common.js'
import type { Cursor, EngineEvent } from '../../model/event.js'
import type { Trace } from '../../model/trace.js'
import type { EventLog, ReadEventsOptions } from '../../ports/engine/events.js'
import type { Locks } from '../../ports/engine/locks.js'
import { linkedSignal } from '../../util/abort.js'
import { closeable } from '../../util/closeable.js'
import { fsError } from '../../util/fs-error.js'
import { DirectoryWatch } from './directory-watch.js'
import { EventReader } from './event-reader.js'
import { EventWriter } from './event-writer.js'

export interface FileEventsOptions {
  /** `<root>/events`. Made when it is first used. */
  readonly directory: string
  readonly locks: Pick<Locks, 'acquire'>
  /** The engine's own id, the subject of a gap. */
  readonly engineId: string
  /** Events in a file. Default 10 000. */
  readonly segmentEvents?: number | undefined
  /** Files that are kept, the newest one included; events and the memory of their keys go with theirs. Default 2. */
  readonly segments?: number | undefined
  readonly onTrace?: Trace | undefined
}

/** A crash of the machine may lose the newest events; one of a process loses none whose append has resolved. */
export class FileEvents implements EventLog, Closeable {
  readonly #options: FileEventsOptions
  readonly #writer: EventWriter
  readonly #watch: DirectoryWatch
  readonly #closing: AbortController = new AbortController()
  readonly #closer: Closeable
  constructor(options: FileEventsOptions) {
    const { directory, segmentEvents = 10_000, segments = 2 } = options
    this.#options = options
    this.#writer = new EventWriter({ directory, segmentEvents, segments })
    this.#watch = new DirectoryWatch(directory)
    this.#closer = closeable(async () => {
      this.#closing.abort(backendClosed())
      await this.#writer.close().catch(() => {})
    })
  }
  /** Who follows it is told that the backend is closed. */
  close(): Promise<void> {
    return this.#closer.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closer.close()
  }

  async append(key: string, event: Omit<EngineEvent, 'cursor'>, options: CallOptions = {}): Promise<Cursor> {
    const cursor = await this.#write((writer) => writer.append(key, event), options)
    this.#watch.changed()
    return cursor
  }
  end(options: CallOptions = {}): Promise<Cursor> {
    return this.#write((writer) => writer.end(), options)
  }
  async *read(options: ReadEventsOptions = {}): AsyncGenerator<EngineEvent> {
    const { directory, engineId } = this.#options
    using linked = linkedSignal(options.signal, this.#closing.signal)
    const { signal } = linked
    signal.throwIfAborted()
    try {
      if (options.follow === true) await mkdir(directory, { recursive: true, mode: 0o700 })
      using watching = options.follow === true ? this.#watch.subscribe() : undefined
      const broken = (error: unknown): void => {
        this.#warn(error)
      }
      const reader = new EventReader({ directory, engineId, start: () => this.end({ signal }), broken }, watching)
      yield* reader.read({ ...options, signal })
    } catch (error) {
      throw fsError(error, `event log "${directory}"`)
    }
  }

  async #write<T>(work: (writer: EventWriter) => Promise<T>, options: CallOptions): Promise<T> {
    await using _lock = await this.#options.locks.acquire('events', options)
    options.signal?.throwIfAborted()
    try {
      return await work(this.#writer)
    } catch (error) {
      throw fsError(error, `event log "${this.#options.directory}"`)
    }
  }
  #warn(error: unknown): void {
    try {
      this.#options.onTrace?.({ kind: 'warning', name: 'events.read', error })
    } catch {
      // a tracer's own bug
    }
  }
}
