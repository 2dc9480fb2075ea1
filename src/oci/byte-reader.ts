// Pieces of wanted sizes from a stream of chunks.
import { EngineError } from '../errors.js'

export class ByteReader implements AsyncDisposable {
  readonly #source: AsyncIterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array()
  #at = 0

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }
  /** `undefined` when not one byte is left; what ends in between is `invalid_argument`. */
  async exactly(length: number): Promise<Buffer | undefined> {
    const first = await this.some(length)
    if (first === undefined) return length === 0 ? Buffer.alloc(0) : undefined
    if (first.byteLength === length) return Buffer.from(first.buffer, first.byteOffset, length)
    const parts = [first]
    for (let rest = length - first.byteLength; rest > 0; ) {
      const part = await this.some(rest)
      if (part === undefined) throw new EngineError('invalid_argument', 'archive ends in the middle of a header')
      parts.push(part)
      rest -= part.byteLength
    }
    return Buffer.concat(parts)
  }
  /** At least one byte and at most `most`; `undefined` at the end. */
  async some(most: number): Promise<Uint8Array | undefined> {
    if (most === 0) return undefined
    while (this.#at >= this.#chunk.byteLength) {
      const next = await this.#source.next()
      if (next.done === true) return undefined
      this.#chunk = next.value
      this.#at = 0
    }
    const part = this.#chunk.subarray(this.#at, this.#at + most)
    this.#at += part.byteLength
    return part
  }
  async skip(length: number, name: string): Promise<void> {
    for (let rest = length; rest > 0; ) {
      const part = await this.some(rest)
      if (part === undefined) throw new EngineError('invalid_argument', `archive ends in the middle of "${name.slice(0, 200)}"`)
      rest -= part.byteLength
    }
  }
  /** Frees the source. Its own failure says nothing about what was read. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#source.return?.()
    } catch {
      /* as above */
    }
  }
}
