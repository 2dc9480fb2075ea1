// Pieces of wanted sizes from chunks of any, without a copy and without waiting where the chunk has them.
import { EngineError } from '../../../../errors.js'

export class TarInput implements AsyncDisposable {
  readonly #source: AsyncIterator<Uint8Array>
  #chunk: Buffer = Buffer.alloc(0)
  #at = 0
  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** From the chunk at hand, or `undefined`. */
  tryExactly(length: number): Buffer | undefined {
    if (this.#chunk.length - this.#at < length) return undefined
    this.#at += length
    return this.#chunk.subarray(this.#at - length, this.#at)
  }
  /** At least one byte and at most `most`, from the chunk at hand, or `undefined`. */
  trySome(most: number): Buffer | undefined {
    return this.tryExactly(Math.min(most, this.#chunk.length - this.#at) || 1)
  }
  /** `undefined` at the end; what ends in between is `data_loss`. */
  async exactly(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = []
    for (let rest = length; rest > 0; ) {
      const part = await this.some(rest)
      if (part === undefined && parts.length === 0) return undefined
      if (part === undefined) throw endsEarly()
      parts.push(part)
      rest -= part.length
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts)
  }
  async some(most: number): Promise<Buffer | undefined> {
    for (;;) {
      const part = this.trySome(most)
      if (part !== undefined) return part
      const next = await this.#source.next()
      if (next.done === true) return undefined
      const { buffer, byteOffset, byteLength } = next.value
      this.#chunk = Buffer.from(buffer, byteOffset, byteLength)
      this.#at = 0
    }
  }
  /** What follows the archive belongs to the bytes that are hashed. */
  async drain(): Promise<void> {
    while ((await this.some(Number.MAX_SAFE_INTEGER)) !== undefined);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.#source.return?.()
    } catch {
      // says nothing about what was read
    }
  }
}

export function endsEarly(): EngineError {
  return new EngineError('data_loss', 'layer ends in the middle of an entry')
}
