// One output stream of a process that is our child: from a FIFO without a name to the end of a file. A FIFO, because programs open
// /dev/stdout again: a socket cannot be, and of a file they would cut off what is there.
import { close as closeFile, closeSync, constants, openSync, readSync, write, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { promisify } from 'node:util'
import { sleep } from '../../../util/abort.js'
import { hasErrno } from '../../../util/fs-error.js'
import { type FifoPool, forget } from './fifo-pool.js'

/** A line or two is written at once: a trip through the thread pool costs several times the system call. */
const smallBytes = 4 << 10
/** Until then a full disk may have room again. */
const fullMs = 500
/** What one turn of the loop may move; more of it waits in the FIFO, and the process with it. */
const blockBytes = 64 << 10

export class Pump {
  /** For the process; to be closed when it has been started. */
  readonly writeEnd: number
  readonly #readEnd: number
  readonly #path: string
  #socket: Socket | undefined
  #drained: Promise<void> | undefined

  private constructor(readEnd: number, writeEnd: number, path: string) {
    this.#readEnd = readEnd
    this.writeEnd = writeEnd
    this.#path = path
  }
  /** `path`: a file that is there. */
  static async open(pool: FifoPool, path: string): Promise<Pump> {
    const fifo = await pool.take()
    // Neither waits: the first end does not want to, and then there is one.
    const readEnd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return new Pump(readEnd, openSync(fifo, constants.O_WRONLY), path)
    } catch (error) {
      closeSync(readEnd)
      throw error
    } finally {
      forget(fifo)
    }
  }
  /** Moves until nobody holds the other end. Call it once. */
  start(): void {
    const sink = new Sink(openSync(this.#path, constants.O_WRONLY | constants.O_APPEND))
    const socket = new Socket({ fd: this.#readEnd, readable: true, writable: false })
    this.#socket = socket
    this.#drained = new Promise((resolve) => {
      socket.on('data', (bytes: Buffer) => {
        const writing = sink.write(bytes)
        if (writing === undefined) return
        socket.pause()
        void writing.then(() => socket.resume())
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        void sink.close().then(resolve)
      })
    })
  }
  /** Resolves when all is in the file, at once for one that was not started. */
  async drained(): Promise<void> {
    await this.#drained
  }
  /** Of one that was not started: what came, up to a block; then it is closed. */
  rest(): string {
    const buffer = Buffer.alloc(blockBytes)
    try {
      return buffer.toString('utf8', 0, readSync(this.#readEnd, buffer))
    } catch (error) {
      if (hasErrno(error, 'EAGAIN')) return ''
      throw error
    } finally {
      this.close()
    }
  }
  /** Whoever still writes gets SIGPIPE. */
  close(): void {
    if (this.#socket !== undefined) this.#socket.destroy()
    else closeSync(this.#readEnd)
  }
}

const writeFile = promisify(write)
const closeQuietly = promisify(closeFile)

/** The end of a file. Where the disk is full it waits, and the process with it: nothing is lost. */
class Sink {
  readonly #file: number
  #writing: Promise<void> | undefined
  #closing = false
  constructor(file: number) {
    this.#file = file
  }
  /** `undefined`: done. Else to be waited for before the next. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    let rest = bytes
    if (bytes.length <= smallBytes) {
      try {
        rest = bytes.subarray(writeSync(this.#file, bytes))
      } catch {
        // The long way tries again.
      }
      if (rest.length === 0) return undefined
    }
    this.#writing = this.#writeAll(rest)
    return this.#writing
  }
  /** After what was written before. Never rejects. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#writing
    await closeQuietly(this.#file).catch(() => {})
  }
  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0; ) {
      try {
        const { bytesWritten } = await writeFile(this.#file, rest)
        rest = rest.subarray(bytesWritten)
      } catch {
        // The process has ended, and there is still no room.
        if (this.#closing) return
        await sleep(fullMs)
      }
    }
  }
}
