// Splits a daemon's multiplexed stream: 8 bytes of header (stream, 0, 0, 0, length), then the payload. Headers and payloads may be cut anywhere.
import { EngineError } from '../../errors.js'
import type { OutputChunk } from '../../ports/streams.js'
import { Gathered } from '../../util/gathered.js'
import { CutShort } from './errors.js'

/** A piece of one frame, no larger than what was read: a long frame is never held. */
export interface Piece extends OutputChunk {
  readonly first: boolean
  readonly last: boolean
}

const headerBytes = 8
const names = ['stdout', 'stdout', 'stderr', 'error'] as const // 0 is an echo of stdin, which daemons write with stdout
const longestError = 64 * 1024

export class Demultiplexer {
  readonly #header: Uint8Array = new Uint8Array(headerBytes)
  #headerSize = 0
  #stream: (typeof names)[number] = 'stdout'
  #left = 0
  #first = true
  readonly #error: Gathered = new Gathered()

  /** Throws `CutShort` within a frame. */
  end(): void {
    if (this.#headerSize > 0) throw new CutShort('it ended in the middle of a frame')
  }
  /** Throws what the daemon says on its own stream for errors, and `internal` for what is no frame. */
  *push(chunk: Uint8Array): Generator<Piece, void, undefined> {
    for (let at = 0; at < chunk.length; ) {
      if (this.#headerSize < headerBytes) {
        const took = Math.min(headerBytes - this.#headerSize, chunk.length - at)
        this.#header.set(chunk.subarray(at, at + took), this.#headerSize)
        this.#headerSize += took
        at += took
        if (this.#headerSize < headerBytes) return
        this.#readHeader()
      } else {
        const took = Math.min(this.#left, chunk.length - at)
        const bytes = chunk.subarray(at, at + took)
        at += took
        this.#left -= took
        if (this.#stream === 'error') this.#keepError(bytes)
        else yield { stream: this.#stream, bytes, first: this.#first, last: this.#left === 0 }
        this.#first = false
      }
      if (this.#headerSize === headerBytes && this.#left === 0) this.#endFrame()
    }
  }

  #readHeader(): void {
    const [stream = 255, zero1, zero2, zero3] = this.#header
    const name = names[stream]
    if (name === undefined || zero1 !== 0 || zero2 !== 0 || zero3 !== 0)
      throw new EngineError('internal', `the daemon sends what is no frame: ${Buffer.from(this.#header).toString('hex')}`)
    this.#stream = name
    this.#left = new DataView(this.#header.buffer).getUint32(4)
    this.#first = true
  }
  #endFrame(): void {
    this.#headerSize = 0
    if (this.#stream === 'error') throw this.#told()
  }
  /** What is too long is not waited for. */
  #keepError(bytes: Uint8Array): void {
    this.#error.add(bytes.subarray(0, longestError - this.#error.size))
    if (this.#error.size >= longestError) throw this.#told()
  }
  #told(): EngineError {
    return new EngineError('internal', `the daemon ends the stream: ${this.#error.take().toString('utf8').trim()}`)
  }
}

/** One chunk for what one read brought of one stream in a row: many small frames cost one step of whoever reads. */
export async function* demultiplex(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<OutputChunk, void, undefined> {
  const frames = new Demultiplexer()
  for await (const chunk of bytes) yield* merged(frames.push(chunk))
  frames.end()
}

function* merged(pieces: Iterable<Piece>): Generator<OutputChunk, void, undefined> {
  let row: Uint8Array[] = []
  let stream: Piece['stream'] = 'stdout'
  for (const piece of pieces) {
    if (piece.stream !== stream && row.length > 0) {
      yield toChunk(stream, row)
      row = []
    }
    stream = piece.stream
    row.push(piece.bytes)
  }
  if (row.length > 0) yield toChunk(stream, row)
}
function toChunk(stream: OutputChunk['stream'], row: readonly Uint8Array[]): OutputChunk {
  return { stream, bytes: row.length === 1 ? (row[0] as Uint8Array) : Buffer.concat(row) }
}
