import { Writable } from 'node:stream'
import { EngineError } from '../errors.js'
import type { CallOptions, Closeable } from '../model/common.js'
import type { ExecInfo, ExecSpec } from '../model/exec.js'
import type { ExitStatus, Signal, TerminalSize } from '../model/process.js'
import type { Backend } from '../ports/backend/backend.js'
import type { Attachment, OutputChunk } from '../ports/streams.js'
import { killExec } from './exec-command.js'
import { checkInput, checkOptional } from './input/check.js'
import { callOptions, signalName, terminalSize } from './input/fields.js'

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
    try {
      const io = await backend.execs.start(id, { attach: { stdin: spec.stdin === true }, signal })
      if (io === undefined) throw new EngineError('internal', `backend "${backend.name}" gave no streams for exec "${id}"`)
      return new Exec(backend, id, io)
    } catch (error) {
      await killExec(backend, id) // an aborted start may have succeeded
      throw error
    }
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
  async write(bytes: Uint8Array | string, options?: CallOptions): Promise<void> {
    return this.#io.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, options)
  }
  /** The process reads an end of file; its output goes on. */
  async closeStdin(options?: CallOptions): Promise<void> {
    return this.#io.closeStdin(checkOptional(callOptions, options, 'closeStdin'))
  }
  /** Without a terminal: `failed_precondition`. */
  async resize(size: TerminalSize, options?: CallOptions): Promise<void> {
    return this.#io.resize(checkInput(terminalSize, size, 'resize'), checkOptional(callOptions, options, 'resize'))
  }
  /** A process already gone is success. */
  async kill(signal: Signal = 'SIGKILL', options?: CallOptions): Promise<void> {
    return this.#backend.execs.kill(this.id, checkInput(signalName, signal, 'kill'), checkOptional(callOptions, options, 'kill'))
  }
  async inspect(options?: CallOptions): Promise<ExecInfo> {
    return this.#backend.execs.get(this.id, checkOptional(callOptions, options, 'inspect'))
  }
  async wait(options?: CallOptions): Promise<ExitStatus> {
    const exit = await this.#backend.execs.wait(this.id, checkOptional(callOptions, options, 'wait'))
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
