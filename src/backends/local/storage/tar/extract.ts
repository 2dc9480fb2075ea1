// GNU tar as the one that makes devices, fifos and attributes, for which Node has no calls.
import type { Writable } from 'node:stream'
import type { CallOptions } from '../../../../model/common.js'
import { onAbort } from '../../../../util/abort.js'
import type { TarJob } from '../running-shell.js'
import type { StorageShell } from '../storage-shell.js'
import { tarFailure } from './child.js'

const bufferBytes = 256 << 10

/** Unpacks what is written to it. Closed without an end, it ends badly, and has ended when that resolves. */
export class TarExtract implements AsyncDisposable {
  readonly #input: Writable
  readonly #ended: Promise<void>
  readonly #aborting: Disposable
  /** Written, and free to be filled again. */
  readonly #spare: Buffer[] = []
  #buffer: Buffer = Buffer.allocUnsafeSlow(bufferBytes)
  #filled = 0
  #draining: Promise<void> | undefined

  private constructor({ input, output, ended }: TarJob, signal: AbortSignal | undefined) {
    this.#input = input
    output.destroy()
    this.#ended = ended.then(({ status, said }) => {
      if (status !== 0) throw tarFailure(status, said)
    })
    this.#ended.catch(() => {})
    this.#aborting = onAbort(signal, () => void input.destroy())
  }
  /** `root` is a directory of the store. */
  static async start(shell: Pick<StorageShell, 'extract'>, root: string, { signal }: CallOptions): Promise<TarExtract> {
    signal?.throwIfAborted()
    return new TarExtract(await shell.extract(root), signal)
  }

  /** Small pieces are gathered. Waits only where a promise is returned. The bytes must stay as they are. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.byteLength > bufferBytes - this.#filled) {
      const first = this.#flush()
      if (bytes.byteLength >= bufferBytes / 4) return this.#send(bytes) ?? first
      this.#buffer.set(bytes, 0)
      this.#filled = bytes.byteLength
      return first
    }
    this.#buffer.set(bytes, this.#filled)
    this.#filled += bytes.byteLength
    return undefined
  }
  /** Resolves when all is unpacked. */
  async end(): Promise<void> {
    await this.#flush()
    this.#input.end()
    await this.#ended
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#aborting[Symbol.dispose]()
    this.#input.destroy()
    await this.#ended.catch(() => {})
  }

  #flush(): Promise<void> | undefined {
    if (this.#filled === 0) return undefined
    const buffer = this.#buffer
    const bytes = buffer.subarray(0, this.#filled)
    this.#buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(bufferBytes)
    this.#filled = 0
    return this.#send(bytes, () => {
      this.#spare.push(buffer)
    })
  }
  #send(bytes: Uint8Array, written: () => void = () => {}): Promise<void> | undefined {
    return this.#input.write(bytes, written) ? undefined : this.#drained()
  }
  async #drained(): Promise<void> {
    this.#draining ??= drained(this.#input).finally(() => {
      this.#draining = undefined
    })
    await this.#draining
    // It has ended before its time.
    if (this.#input.destroyed) await this.#ended
  }
}

function drained(stream: Writable): Promise<void> {
  if (stream.destroyed || !stream.writableNeedDrain) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.once('drain', done).once('close', done)
  })
}
