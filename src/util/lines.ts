// Bytes to lines, wherever the chunks were cut. A long line comes in parts, as `LogEntry` wants it.

export interface Line {
  /** Without the newline. May share memory with the chunk it came from. */
  readonly bytes: Uint8Array
  /** As UTF-8; what is not becomes U+FFFD. */
  readonly text: string
  /** The line goes on in the next one. */
  readonly partial: boolean
}
const newline = 0x0a
/** 16 KiB. */
export const maxLineBytes: number = 16 * 1024

/** Keeps what is not yet a line. One per stream. */
export class LineSplitter {
  readonly #max: number
  #rest: Uint8Array[] = []
  #size = 0
  constructor(max: number = maxLineBytes) {
    this.#max = max
  }

  *push(chunk: Uint8Array): Generator<Line> {
    let from = 0
    while (from < chunk.length) {
      const end = chunk.indexOf(newline, from)
      this.#keep(chunk.subarray(from, end < 0 ? chunk.length : end))
      // Exactly `max` waits for what comes next: with a newline it is whole.
      while (this.#size > this.#max) yield this.#part()
      if (end < 0) return
      yield toLine(this.#take(), false)
      from = end + 1
    }
  }
  /** The stream has ended: what is left is a line, too. */
  *end(): Generator<Line> {
    if (this.#size > 0) yield toLine(this.#take(), false)
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#rest.push(bytes)
    this.#size += bytes.length
  }
  #take(): Uint8Array {
    const bytes = this.#rest.length === 1 ? (this.#rest[0] as Uint8Array) : Buffer.concat(this.#rest)
    this.#rest = []
    this.#size = 0
    return bytes
  }
  #part(): Line {
    const bytes = this.#take()
    const cut = characterStart(bytes, this.#max)
    this.#keep(bytes.subarray(cut))
    return toLine(bytes.subarray(0, cut), true)
  }
}

export async function* splitLines(bytes: AsyncIterable<Uint8Array>, max: number = maxLineBytes): AsyncGenerator<Line> {
  const splitter = new LineSplitter(max)
  for await (const chunk of bytes) yield* splitter.push(chunk)
  yield* splitter.end()
}

/** The last place at or before `at` that does not cut a UTF-8 character; `at` itself in what is none. */
function characterStart(bytes: Uint8Array, at: number): number {
  for (let place = at; place > at - 4 && place > 0; place -= 1) {
    if (((bytes[place] ?? 0) & 0xc0) !== 0x80) return place
  }
  return at
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
function toLine(bytes: Uint8Array, partial: boolean): Line {
  return { bytes, text: decoder.decode(bytes), partial }
}
