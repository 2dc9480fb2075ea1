// A blob on its way, in large pieces: each is hashed, written, and tapped while the next one is filled. They are two, used again and again: fresh
// memory for all that comes would have to be mapped, accounted for and collected.
import type { Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { fsError } from '../../../util/fs-error.js'

const bufferBytes = 256 << 10
/** So often the kernel is asked to begin with what the end must wait for. */
const syncBytes = 16 << 20

/** Gets every byte of the blob, in order, also those that were held before. */
export interface Tap {
  /** Resolves when the bytes are not looked at any more: they may be changed then. */
  push(bytes: Uint8Array): Promise<void>
}

export class PartFile implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #what: string
  readonly #hash: Hash
  readonly #tap: Tap | undefined
  readonly #buffers: Buffer[] = []
  #filled = 0
  #written: number
  #underway: Promise<void> = Promise.resolve()
  #syncing: Promise<void> | undefined
  #unsynced = 0
  #closed = false

  constructor(file: FileHandle, offset: number, hash: Hash, what: string, tap: Tap | undefined) {
    this.#file = file
    this.#written = offset
    this.#hash = hash
    this.#tap = tap
    this.#what = what
  }
  get size(): number {
    return this.#written + this.#filled
  }
  /** The bytes are copied: they may be changed when this has resolved. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.byteLength; ) {
      const room = Math.min(bytes.byteLength - from, bufferBytes - this.#filled)
      this.#buffer().set(bytes.subarray(from, from + room), this.#filled)
      this.#filled += room
      from += room
      if (this.#filled === bufferBytes) await this.#turn()
    }
  }
  /** All that was given is in the file, and was tapped. */
  async flush(): Promise<void> {
    if (this.#filled > 0) await this.#turn()
    await this.#underway
  }
  async sync(): Promise<void> {
    await this.flush()
    await this.#syncing
    await this.#onDisk(this.#file.datasync())
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled([this.#underway, this.#syncing])
    await this.#file.close().catch(() => {})
  }

  async #turn(): Promise<void> {
    await this.#underway
    const bytes = this.#buffer().subarray(0, this.#filled)
    this.#hash.update(bytes)
    this.#underway = allOf([this.#put(bytes, this.#written), this.#tap?.push(bytes)])
    this.#underway.catch(() => {}) // told to who waits next
    this.#written += this.#filled
    this.#filled = 0
    this.#buffers.reverse()
    this.#startSync(bytes.byteLength)
  }
  async #put(bytes: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      const { bytesWritten } = await this.#onDisk(this.#file.write(bytes, done, bytes.byteLength - done, at + done))
      done += bytesWritten
    }
  }
  #startSync(bytes: number): void {
    this.#unsynced += bytes
    if (this.#unsynced < syncBytes || this.#syncing !== undefined) return
    this.#unsynced = 0
    // Whether it has come to the disk is asked at the end.
    this.#syncing = this.#file
      .datasync()
      .catch(() => {})
      .then(() => {
        this.#syncing = undefined
      })
  }
  #buffer(): Buffer {
    if (this.#buffers.length === 0) this.#buffers.push(Buffer.allocUnsafeSlow(bufferBytes), Buffer.allocUnsafeSlow(bufferBytes))
    return this.#buffers[0] as Buffer
  }
  async #onDisk<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      throw fsError(error, this.#what)
    }
  }
}

/** Goes on with the first `keepBytes` of what is there; the rest is cut off. */
export async function openPart(path: string, keepBytes: number, hash: Hash, what: string, tap?: Tap): Promise<PartFile> {
  let file: FileHandle | undefined
  try {
    file = await open(path, keepBytes === 0 ? 'w' : 'r+', 0o600)
    await file.truncate(keepBytes)
    return new PartFile(file, keepBytes, hash, what, tap)
  } catch (error) {
    await file?.close()
    throw fsError(error, what)
  }
}

/** When none of them is underway any more. */
async function allOf(works: readonly (Promise<void> | undefined)[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}
