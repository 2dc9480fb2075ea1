// Lines of a log with the times that the daemon puts before them.
import type { LogEntry } from '../../ports/streams.js'
import { LineSplitter, maxLineBytes } from '../../util/lines.js'
import type { Demultiplexer } from './demultiplex.js'

export interface LogParser {
  push(chunk: Uint8Array): Iterable<LogEntry>
  end(): Iterable<LogEntry>
}

const space = 0x20
const newline = 0x0a
/** `2026-11-24T15:21:18.212678807Z `, or with an offset. */
const longestTime = 40
const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) $/

interface Stamped {
  readonly time: Date | undefined
  readonly rest: Uint8Array
}
function readTime(bytes: Uint8Array): Stamped {
  const end = bytes.subarray(0, longestTime).indexOf(space)
  if (end < 0) return { time: undefined, rest: bytes }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, end + 1).toString('latin1')
  return timePattern.test(text) ? { time: new Date(text.trim()), rest: bytes.subarray(end + 1) } : { time: undefined, rest: bytes }
}

/** Lines of one stream. A line has the time of its beginning. */
class TimedLines {
  readonly #stream: LogEntry['stream']
  readonly #splitter: LineSplitter = new LineSplitter()
  #time: Date = new Date()
  #begun = false
  constructor(stream: LogEntry['stream']) {
    this.#stream = stream
  }
  *push(bytes: Uint8Array, time: Date | undefined): Generator<LogEntry> {
    if (!this.#begun) this.#time = time ?? new Date()
    for (const { bytes: line, text, partial } of this.#splitter.push(bytes)) yield this.#entry(line, text, partial)
    this.#begun = bytes.length > 0 ? bytes.at(-1) !== newline : this.#begun
  }
  *end(): Generator<LogEntry> {
    for (const { bytes, text, partial } of this.#splitter.end()) yield this.#entry(bytes, text, partial)
  }
  #entry(bytes: Uint8Array, text: string, partial: boolean): LogEntry {
    return { stream: this.#stream, time: this.#time, bytes, text, ...(partial && { partial }) }
  }
}

/** Without a terminal: each frame is one message of the log, with its time. A long line has several. */
export class FramedLog implements LogParser {
  readonly #frames: Demultiplexer
  readonly #lines: { readonly stdout: TimedLines; readonly stderr: TimedLines } = {
    stdout: new TimedLines('stdout'),
    stderr: new TimedLines('stderr'),
  }
  /** The beginning of a frame whose time is not whole yet. */
  #head: Uint8Array | undefined
  #time: Date | undefined
  constructor(frames: Demultiplexer) {
    this.#frames = frames
  }

  *push(chunk: Uint8Array): Generator<LogEntry> {
    for (const { stream, bytes, first, last } of this.#frames.push(chunk)) {
      if (first) {
        this.#head = new Uint8Array()
        this.#time = undefined
      }
      let rest = bytes
      if (this.#head !== undefined) {
        const head: Uint8Array = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes])
        if (head.length < longestTime && !last && !head.includes(space)) {
          this.#head = head
          continue
        }
        this.#head = undefined
        const stamped = readTime(head)
        this.#time = stamped.time
        rest = stamped.rest
      }
      yield* this.#lines[stream].push(rest, this.#time)
    }
  }
  *end(): Generator<LogEntry> {
    this.#frames.end()
    yield* this.#lines.stdout.end()
    yield* this.#lines.stderr.end()
  }
}

/** Of a terminal: one stream, a time before each line, and again after each 16 KiB of a long one. */
export class PlainLog implements LogParser {
  readonly #raw: LineSplitter
  readonly #lines: TimedLines
  constructor() {
    this.#raw = new LineSplitter(longestTime + maxLineBytes)
    this.#lines = new TimedLines('stdout')
  }

  *push(chunk: Uint8Array): Generator<LogEntry> {
    for (const { bytes, partial } of this.#raw.push(chunk)) yield* this.#part(bytes, partial)
  }
  *end(): Generator<LogEntry> {
    for (const { bytes } of this.#raw.end()) yield* this.#part(bytes, true)
    yield* this.#lines.end()
  }
  *#part(bytes: Uint8Array, partial: boolean): Generator<LogEntry> {
    const { time, rest } = readTime(bytes)
    yield* this.#lines.push(rest, time)
    if (!partial) yield* this.#lines.push(Uint8Array.of(newline), time)
  }
}
