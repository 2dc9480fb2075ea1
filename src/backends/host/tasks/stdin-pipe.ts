// Our end of a stdin FIFO.
import { constants, open } from 'node:fs'
import { Socket } from 'node:net'
import { promisify } from 'node:util'

const openFile = promisify(open)

export class StdinPipe {
  readonly #path: string
  #socket: Promise<Socket> | undefined
  #closed = false
  #last: Promise<unknown> = Promise.resolve()
  readonly #finished: Promise<false>

  /** Nothing is opened before the first write: a writer keeps the process from reading an end of file. */
  constructor(path: string, finished: Promise<unknown>) {
    this.#path = path
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
    await Promise.race([this.#last, this.#finished])
    await this.#destroySocket()
  }
  destroy(): void {
    this.#closed = true
    void this.#destroySocket()
  }

  async #write(bytes: Uint8Array): Promise<boolean> {
    const socket = await (this.#socket ??= this.#open())
    return new Promise((resolve) => {
      socket.write(bytes, (error) => {
        resolve(error === null || error === undefined)
      })
    })
  }
  // Both ways, so that opening waits for no reader and a reader that goes away is no error. Non-blocking, so that no thread waits.
  async #open(): Promise<Socket> {
    const fd = await openFile(this.#path, constants.O_RDWR | constants.O_NONBLOCK)
    const socket = new Socket({ fd, readable: false, writable: true })
    socket.on('error', () => {})
    return socket
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
        (open) => open.destroy(),
        () => {},
      )
  }
}
