import { Writable } from 'node:stream'
import { EngineError } from '../errors.js'
import type { CallOptions, Closeable } from '../model/common.js'
import type { ExecInfo, ExecSpec } from '../model/exec.js'
import type { ExitStatus, Signal, TerminalSize } from '../model/process.js'
import type { Backend } from '../ports/backend/backend.js'
import type { Attachment, OutputChunk } from '../ports/streams.js'
import { killExec } from './exec-command.js'

export interface SpawnOptions extends Omit<ExecSpec, 'command'>, CallOptions {}

/** A further process of a container, with its streams. Closing it kills the process if it still runs, where the backend can (`exec_kill`). */
export class Exec implements Closeable {
  readonly id: string
  readonly #backend: Backend
  readonly #io: Attachment
  #stdin: Writable | undefined
  #ended = false
  #closed: Promise<void> | undefined

  private constructor(backend: Backend, id: string, io: Attachment) {
    this.#backend = backend
    this.id = id
    this.#io = io
  }
  /** @internal */
  static async spawn(backend: Backend, containerId: string, spec: ExecSpec, { signal }: CallOptions): Promise<Exec> {
    const id = await backend.execs.create(containerId, spec, { signal })
    const io = await backend.execs.start(id, { attach: { stdin: spec.stdin === true }, signal })
    if (io === undefined) throw new EngineError('internal', `backend "${backend.name}" gave no streams for exec "${id}"`)
    return new Exec(backend, id, io)
  }

  /** Can be read once. Ends when the process exits. */
  get output(): AsyncIterable<OutputChunk> {
    return this.#io.output
  }
  /** The same way in as `write` and `closeStdin`, for `pipeline`. */
  get stdin(): Writable {
    return (this.#stdin ??= writable(this.#io))
  }
  /** Resolves when the bytes have been handed on. */
  write(bytes: Uint8Array | string, options?: CallOptions): Promise<void> {
    return this.#io.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, options)
  }
  /** The process reads an end of file; its output goes on. */
  closeStdin(options?: CallOptions): Promise<void> {
    return this.#io.closeStdin(options)
  }
  resize(size: TerminalSize, options?: CallOptions): Promise<void> {
    return this.#io.resize(size, options)
  }
  kill(signal: Signal = 'SIGKILL', options?: CallOptions): Promise<void> {
    return this.#backend.execs.kill(this.id, signal, options)
  }
  inspect(options?: CallOptions): Promise<ExecInfo> {
    return this.#backend.execs.get(this.id, options)
  }
  async wait(options?: CallOptions): Promise<ExitStatus> {
    const exit = await this.#backend.execs.wait(this.id, options)
    this.#ended = true
    return exit
  }
  close(): Promise<void> {
    return (this.#closed ??= this.#close())
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    if (!this.#ended) await killExec(this.#backend, this.id)
    this.#stdin?.destroy()
    await this.#io.close()
  }
}

function writable(io: Attachment): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      io.write(chunk).then(() => {
        done()
      }, done)
    },
    final: (done) => {
      io.closeStdin().then(() => {
        done()
      }, done)
    },
  })
}
