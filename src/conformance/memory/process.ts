// One process of MemoryTasks: its output, its stdin, its end.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ExitStatus, Signal, TerminalSize } from '../../model/process.js'
import type { StdioPlan } from '../../ports/engine/tasks.js'
import type { Attachment, OutputChunk } from '../../ports/streams.js'
import { raceAbort } from '../../util/abort.js'
import { type ShellIo, runCommand } from './shell.js'

const numbers: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGKILL: 9, SIGUSR1: 10, SIGUSR2: 12, SIGTERM: 15 }

export class MemoryProcess {
  readonly pid: number
  readonly stdio: StdioPlan
  readonly exited: Promise<ExitStatus>
  paused = false
  exit: ExitStatus | undefined
  readonly chunks: OutputChunk[] = []
  readonly #init: boolean
  readonly #input: Uint8Array[] = []
  #inputEnded: boolean
  #size: TerminalSize = { columns: 80, rows: 24 }
  readonly #end: (exit: ExitStatus) => void
  readonly #waiting: Set<() => void> = new Set()

  constructor(pid: number, args: readonly string[], stdio: StdioPlan, init: boolean) {
    this.pid = pid
    this.stdio = stdio
    this.#init = init
    this.#inputEnded = !stdio.stdin
    const ended = withResolvers<ExitStatus>()
    this.exited = ended.promise
    this.#end = ended.resolve
    void runCommand(args, this.#io()).then(
      (exitCode) => {
        this.finish({ exitCode, exitedAt: new Date(), oomKilled: false, lost: false })
      },
      () => {},
    )
  }

  finish(exit: ExitStatus): void {
    if (this.exit !== undefined) return
    this.exit = exit
    this.paused = false
    this.#end(exit)
    this.#changed()
  }
  /** Init has no default action for signals other than SIGKILL, as in a real pid namespace; the shell here has no handlers. */
  kill(signal: Signal): void {
    const number = numbers[signal]
    if (number === undefined) throw new EngineError('invalid_argument', `no signal "${signal}"`)
    if (this.#init && signal !== 'SIGKILL' && signal !== 'SIGTERM') return
    this.finish({ exitCode: 128 + number, signal, exitedAt: new Date(), oomKilled: false, lost: false })
  }
  resize(size: TerminalSize): void {
    if (!this.stdio.tty) throw new EngineError('failed_precondition', 'the process has no terminal')
    this.#size = size
  }

  attach(from: number): Attachment {
    let closed = false
    const close = async (): Promise<void> => {
      closed = true
      this.#changed()
    }
    return {
      output: this.#output(from, () => closed),
      write: async (bytes, options = {}) => {
        options.signal?.throwIfAborted()
        if (this.#inputEnded || this.exit !== undefined) throw new EngineError('failed_precondition', 'stdin is closed')
        this.#input.push(Uint8Array.from(bytes))
        this.#changed()
      },
      closeStdin: async (options = {}) => {
        options.signal?.throwIfAborted()
        this.#inputEnded = true
        this.#changed()
      },
      resize: async (size: TerminalSize, options: CallOptions = {}) => {
        options.signal?.throwIfAborted()
        this.resize(size)
      },
      close,
      [Symbol.asyncDispose]: close,
    }
  }
  /** What is there, then what comes, until the end or the abort. */
  async *#output(from: number, closed: () => boolean): AsyncGenerator<OutputChunk, void, undefined> {
    for (let next = from; !closed(); ) {
      const chunk = this.chunks[next]
      if (chunk !== undefined) {
        next += 1
        yield chunk
      } else if (this.exit !== undefined) return
      else await this.#change()
    }
  }
  /** For followers of the log: resolves with the next change. */
  async next({ signal }: CallOptions): Promise<void> {
    await raceAbort(this.#change(), signal)
  }

  #io(): ShellIo {
    return {
      write: (stream, text) => {
        if (this.exit !== undefined) return
        const bytes = Buffer.from(this.stdio.tty ? text.replaceAll('\n', '\r\n') : text)
        this.chunks.push({ stream: this.stdio.tty ? 'stdout' : stream, bytes })
        this.#changed()
      },
      read: async () => {
        for (;;) {
          if (this.exit !== undefined) return new Promise<never>(() => {})
          const bytes = this.#input.shift()
          if (bytes !== undefined || this.#inputEnded) return bytes
          await this.#change()
        }
      },
      sleep: (ms) =>
        new Promise((resolve) => {
          // What is longer than any test ends with a kill only.
          if (ms >= 100_000) return
          const timer = setTimeout(resolve, ms)
          void this.exited.then(() => {
            clearTimeout(timer)
          })
        }),
      size: () => `${this.#size.rows} ${this.#size.columns}`,
    }
  }
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve)
    })
  }
  #changed(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}

function withResolvers<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((set) => {
    resolve = set
  })
  return { promise, resolve }
}
