// JSON values one after the other, with newlines between them (Docker), or nothing (pouchd). Linear, and bounded by the longest value.
import { EngineError } from '../../../errors.js'
import { Gathered } from '../../../util/gathered.js'
import { CutShort } from '../errors.js'

const longestShown = 200
const quote = 0x22
const backslash = 0x5c
const newline = 0x0a

/** Objects and arrays only: no daemon sends anything else. What is none rejects with the line; an end within one with `CutShort`. */
export async function* jsonValues(bytes: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<unknown, void, undefined> {
  const splitter = new JsonSplitter(maxBytes)
  for await (const chunk of bytes) yield* splitter.push(chunk)
  splitter.end()
}

export class JsonSplitter {
  readonly #maxBytes: number
  readonly #kept: Gathered = new Gathered()
  #depth = 0
  #inString = false
  #escaped = false
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  *push(chunk: Uint8Array): Generator<unknown> {
    let from = 0
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] as number
      if (this.#depth === 0) {
        if (this.#kept.size === 0 && at === from && isSpace(byte)) from = at + 1
        else if (isOpening(byte) && this.#kept.size === 0 && at === from) this.#depth = 1
        else if (byte === newline) throw notJson(this.#take(chunk.subarray(from, at)))
      } else if (this.#inString) this.#step(byte)
      else if (byte === quote) this.#inString = true
      else if (isOpening(byte)) this.#depth += 1
      else if (isClosing(byte) && (this.#depth -= 1) === 0) {
        yield parse(this.#take(chunk.subarray(from, at + 1)))
        from = at + 1
      }
    }
    this.#keep(chunk.subarray(from))
  }
  end(): void {
    if (this.#kept.size === 0) return
    if (this.#depth === 0) throw notJson(this.#take(new Uint8Array()))
    throw new CutShort('it ended in the middle of what it said')
  }

  #step(byte: number): void {
    if (this.#escaped) this.#escaped = false
    else if (byte === backslash) this.#escaped = true
    else if (byte === quote) this.#inString = false
  }
  #keep(bytes: Uint8Array): void {
    if (this.#kept.size + bytes.length > this.#maxBytes)
      throw new EngineError('resource_exhausted', `the daemon sends an object of more than ${this.#maxBytes} bytes`)
    this.#kept.add(bytes)
  }
  #take(last: Uint8Array): string {
    this.#keep(last)
    return this.#kept.take().toString('utf8')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw notJson(text, error)
  }
}

function notJson(text: string, cause?: unknown): EngineError {
  const shown = text.length > longestShown ? `${text.slice(0, longestShown)}...` : text
  return new EngineError('internal', `the daemon sends what is no JSON: ${JSON.stringify(shown)}`, { cause })
}

const isSpace = (byte: number): boolean => byte === 0x20 || byte === newline || byte === 0x0d || byte === 0x09
const isOpening = (byte: number): boolean => byte === 0x7b || byte === 0x5b
const isClosing = (byte: number): boolean => byte === 0x7d || byte === 0x5d
