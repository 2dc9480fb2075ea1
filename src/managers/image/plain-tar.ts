// The digest of a tar without its packing, taken while the packed bytes pass by.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import { EngineError } from '../../errors.js'
import type { Digest } from '../../model/common.js'
import { type Compression, decompressor } from '../../oci/compression.js'
import { sumIsRight } from '../../oci/tar-reader.js'

const firstBlock = 512

export class PlainTar {
  readonly #hash = createHash('sha256')
  readonly #compression: Compression
  #head = Buffer.alloc(0)
  #digest: Digest | undefined

  constructor(compression: Compression) {
    this.#compression = compression
  }
  /** Known when `through` has ended. */
  get digest(): Digest {
    if (this.#digest === undefined) throw new EngineError('internal', 'the tar has not been read yet')
    return this.#digest
  }
  /** The bytes as they are. What unpacks to no tar is `invalid_argument`, at the end at the latest. */
  async *through(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    if (this.#compression === 'none') {
      for await (const chunk of bytes) {
        this.#take(chunk)
        yield chunk
      }
    } else yield* this.#unpacking(bytes, this.#compression)
    this.#check()
    this.#digest = `sha256:${this.#hash.digest('hex')}`
  }

  async *#unpacking(bytes: AsyncIterable<Uint8Array>, compression: 'gzip' | 'zstd'): AsyncGenerator<Uint8Array> {
    const unpacked = decompressor(compression)
    const damaged = (cause: unknown): EngineError =>
      new EngineError('invalid_argument', `archive has damaged ${compression} data`, { cause })
    const taking = (async (): Promise<void> => {
      for await (const chunk of unpacked as AsyncIterable<Uint8Array>) this.#take(chunk)
    })()
    taking.catch(() => {})
    try {
      for await (const chunk of bytes) {
        if (unpacked.destroyed) await taking
        if (!unpacked.write(chunk)) await Promise.race([once(unpacked, 'drain'), taking])
        yield chunk
      }
      unpacked.end()
      await Promise.all([taking, finished(unpacked, { writable: false })])
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw typeof code === 'string' && /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_STREAM_PREMATURE)/.test(code) ? damaged(error) : error
    } finally {
      unpacked.destroy()
    }
  }
  #take(chunk: Uint8Array): void {
    this.#hash.update(chunk)
    if (this.#head.length >= firstBlock) return
    this.#head = Buffer.concat([this.#head, chunk.subarray(0, firstBlock)])
    if (this.#head.length >= firstBlock) this.#check()
  }
  #check(): void {
    const head = this.#head.subarray(0, firstBlock)
    // The end right at the beginning is a root without a file.
    const isEmpty = head.length === firstBlock && head.every((byte) => byte === 0)
    if (head.length < firstBlock || !(isEmpty || sumIsRight(head))) throw new EngineError('invalid_argument', 'archive is no tar')
  }
}
