// A regular file of ours, open for reading. To open it, ask its size, read a line and close it takes less than one trip through the
// thread pool, so only what is large goes that way.
import { closeSync, constants, fstatSync, openSync, read, readSync } from 'node:fs'
import { promisify } from 'node:util'

const readInThread = promisify(read)
const smallBytes = 4 << 10

export class OpenFile {
  readonly #descriptor: number
  #reading: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined

  private constructor(descriptor: number) {
    this.#descriptor = descriptor
  }
  static open(path: string): OpenFile {
    return new OpenFile(openSync(path, constants.O_RDONLY))
  }
  /** Empty, mode 0600. Throws EEXIST when it is there. */
  static create(path: string): OpenFile {
    return new OpenFile(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600))
  }

  get size(): number {
    return fstatSync(this.#descriptor).size
  }
  /** Up to `length` bytes, fewer at its end, none behind it. One after the other. */
  async read(position: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafeSlow(length)
    if (length <= smallBytes) return buffer.subarray(0, readSync(this.#descriptor, buffer, 0, length, position))
    const reading = readInThread(this.#descriptor, buffer, 0, length, position)
    this.#reading = reading.catch(() => {})
    return buffer.subarray(0, (await reading).bytesRead)
  }
  /** After the read that is under way. Twice is success. */
  close(): Promise<void> {
    return (this.#closed ??= this.#reading.then(() => {
      closeSync(this.#descriptor)
    }))
  }
}
