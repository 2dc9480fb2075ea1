// Our end of a stdin FIFO.
import { close, constants, open } from 'node:fs'
import { Socket } from 'node:net'
import { promisify } from 'node:util'
import { sleep } from '../../../util/abort.js'
import { hasErrno } from '../../../util/fs-error.js'

const openFile = promisify(open)
const closeFile = promisify(close)

/** Whoever is not there after this long has had his end of input. */
const readerMs = 5_000
const longestPauseMs = 20

/**
 * The other end is a shim's, which says that a process runs before it has opened it. A FIFO keeps nothing without an end that is open: written and
 * closed before, the bytes would be lost, and the shim would wait for ever for somebody to open this one. So nothing is opened or ended here
 * before a reader is there.
 */
export class StdinPipe {
  readonly #path: string
  readonly #readerMs: number
  #socket: Promise<Socket | undefined> | undefined
  #closed = false
  #last: Promise<unknown> = Promise.resolve()
  readonly #finished: Promise<false>
  #givenUp = false

  /** Nothing is opened before the first write: a writer keeps the process from reading an end of file. */
  constructor(path: string, finished: Promise<unknown>, waitForReaderMs: number = readerMs) {
    this.#path = path
    this.#readerMs = waitForReaderMs
    this.#finished = finished.then(
      () => this.#gone(),
      () => this.#gone(),
    )
  }
  get closed(): boolean {
    return this.#closed
  }
  /** False: the process has ended, or stdin is closed. Resolves when the kernel has the bytes. */
  async write(bytes: Uint8Array): Promise<boolean> {
    if (this.#closed) return false
    const written = this.#last.then(() => this.#write(bytes))
    this.#last = written.catch(() => {})
    return Promise.race([written, this.#finished])
  }
  /** After what was written before. */
  async end(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const met = this.#last.then(() => this.#connected()).catch(() => {})
    await Promise.race([met, this.#finished])
    await this.#destroySocket()
  }
  destroy(): void {
    this.#closed = true
    this.#givenUp = true
    void this.#destroySocket()
  }

  async #write(bytes: Uint8Array): Promise<boolean> {
    const socket = await this.#connected()
    if (socket === undefined) return false
    return new Promise((resolve) => {
      socket.write(bytes, (error) => {
        // Node tells of no error for what it was writing when it was destroyed.
        resolve((error === null || error === undefined) && !socket.destroyed)
      })
    })
  }
  /** Nothing is opened for who has been kept waiting until it was given up: nobody would close it. */
  async #connected(): Promise<Socket | undefined> {
    return this.#givenUp ? undefined : (this.#socket ??= this.#open())
  }
  // Both ways, so that a reader that goes away is no error. Non-blocking, so that no thread waits.
  async #open(): Promise<Socket | undefined> {
    const meeting = await this.#meetReader()
    if (meeting === undefined) return undefined
    try {
      const fd = await openFile(this.#path, constants.O_RDWR | constants.O_NONBLOCK)
      const socket = new Socket({ fd, readable: false, writable: true })
      socket.on('error', () => {})
      return socket
    } finally {
      await closeFile(meeting)
    }
  }
  /** A descriptor that can be had only while somebody reads. */
  async #meetReader(): Promise<number | undefined> {
    const deadline = performance.now() + this.#readerMs
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      try {
        return await openFile(this.#path, constants.O_WRONLY | constants.O_NONBLOCK)
      } catch (error) {
        if (!hasErrno(error, 'ENXIO')) throw error
      }
      if (this.#givenUp || performance.now() > deadline) return undefined
      await sleep(pauseMs)
    }
  }
  #gone(): false {
    this.destroy()
    return false
  }
  async #destroySocket(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    if (socket !== undefined)
      await socket.then(
        (open) => open?.destroy(),
        () => {},
      )
  }
}
