// The reading side of an event log. Takes no lock: lines are whole once their newline is there.
import type { FileHandle } from 'node:fs/promises'
import { EngineError } from '../../errors.js'
import type { Cursor, EngineEvent } from '../../model/event.js'
import type { ReadEventsOptions } from '../../ports/engine/events.js'
import type { Watching } from './directory-watch.js'
import {
  listSegments,
  openSegment,
  type Position,
  parseCursor,
  readLines,
  type SegmentName,
  segmentNumber,
  toCursor,
} from './event-segment.js'

export interface EventReaderOptions {
  readonly directory: string
  /** For the subject of a gap. */
  readonly engineId: string
  /** A cursor before the first event of an empty log. */
  start(): Promise<Cursor>
  /** A line that is none; a gap stands for it. */
  broken(error: unknown): void
}
/** A kernel may lose what a watch should tell. */
const lookMs = 500
const newline = 0x0a

export class EventReader {
  readonly #options: EventReaderOptions
  /** Absent: without following. */
  readonly #watching: Watching | undefined
  #file: FileHandle | undefined
  #at: Position | undefined
  constructor(options: EventReaderOptions, watching: Watching | undefined) {
    this.#options = options
    this.#watching = watching
  }

  async *read({ since, signal }: ReadEventsOptions): AsyncGenerator<EngineEvent> {
    try {
      if (since !== undefined && !(await this.#openAt(parseCursor(since)))) yield await this.#restart()
      for (;;) {
        signal?.throwIfAborted()
        if (this.#at !== undefined || (await this.#openOldest())) {
          const full = yield* this.#readOn(signal)
          if (full && (await this.#openNext())) continue
          if (await this.#isGone(full)) {
            yield await this.#restart()
            continue
          }
        }
        if (this.#watching === undefined) return
        await this.#watching.wait(lookMs, signal)
      }
    } finally {
      await this.#close()
    }
  }

  /** True at the line that says that the segment is full. */
  async *#readOn(signal: AbortSignal | undefined): AsyncGenerator<EngineEvent, boolean> {
    const { segment, offset } = this.#at as Position
    for await (const lines of readLines(this.#file as FileHandle, offset)) {
      for (const line of lines) {
        signal?.throwIfAborted()
        if (line.kind === 'full') return true // not passed: found again as long as there is no next one
        this.#at = { segment, offset: line.end }
        const cursor = toCursor(this.#at)
        if (line.kind === 'event') yield { ...line.event, cursor }
        else {
          this.#options.broken(new EngineError('data_loss', `a line of the event log before "${cursor}" cannot be read`))
          yield this.#gap(cursor)
        }
      }
    }
    return false
  }
  /** The segment that comes right after this one. */
  async #openNext(): Promise<boolean> {
    const number = segmentNumber((this.#at as Position).segment)
    const next = (await listSegments(this.#options.directory)).find((name) => segmentNumber(name) === number + 1)
    return next !== undefined && this.#open(next, 0)
  }
  /** Is what comes after this segment no longer kept? Only its own being full may be a moment before the next one is made. */
  async #isGone(full: boolean): Promise<boolean> {
    const { segment } = this.#at as Position
    const segments = await listSegments(this.#options.directory)
    if (full) return segments.some((name) => segmentNumber(name) > segmentNumber(segment) + 1)
    return !segments.includes(segment)
  }
  async #restart(): Promise<EngineEvent> {
    await this.#close()
    if (await this.#openOldest()) return this.#gap(toCursor(this.#at as Position))
    return this.#gap(await this.#options.start())
  }
  #gap(cursor: Cursor): EngineEvent {
    return { cursor, type: 'gap', action: 'gap', subject: { kind: 'engine', id: this.#options.engineId }, time: new Date(), attributes: {} }
  }

  async #openAt(position: Position | undefined): Promise<boolean> {
    if (position === undefined || !(await this.#open(position.segment, position.offset))) return false
    if (position.offset === 0) return true
    const { bytesRead, buffer } = await (this.#file as FileHandle).read(Buffer.alloc(1), 0, 1, position.offset - 1)
    return bytesRead === 1 && buffer[0] === newline
  }
  async #openOldest(): Promise<boolean> {
    for (const name of await listSegments(this.#options.directory)) if (await this.#open(name, 0)) return true
    return false
  }
  async #open(segment: SegmentName, offset: number): Promise<boolean> {
    const file = await openSegment(this.#options.directory, segment, 'r')
    if (file === undefined) return false
    await this.#close()
    this.#file = file
    this.#at = { segment, offset }
    return true
  }
  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    this.#at = undefined
    await file?.close()
  }
}
