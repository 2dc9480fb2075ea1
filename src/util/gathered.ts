// Pieces of bytes as one. Held in one buffer that doubles: a million tiny pieces cost no more than their bytes, and one piece no copy.

export class Gathered {
  #first: Uint8Array | undefined
  #buffer: Buffer | undefined
  #size = 0

  get size(): number {
    return this.#size
  }
  add(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    if (this.#size === 0) {
      this.#first = bytes
      this.#size = bytes.length
      return
    }
    const size = this.#size + bytes.length
    if (this.#buffer === undefined || this.#buffer.length < size) this.#grow(size)
    this.#buffer?.set(bytes, this.#size)
    this.#size = size
  }
  /** All of it, and it is empty again. */
  take(): Buffer {
    const all = this.#buffer?.subarray(0, this.#size) ?? toBuffer(this.#first ?? new Uint8Array())
    this.#first = undefined
    this.#buffer = undefined
    this.#size = 0
    return all
  }

  #grow(least: number): void {
    const larger = Buffer.allocUnsafe(Math.max(least, 2 * (this.#buffer?.length ?? 0), 4_096))
    larger.set(this.#buffer?.subarray(0, this.#size) ?? this.#first ?? new Uint8Array())
    this.#buffer = larger
    this.#first = undefined
  }
}

function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}
