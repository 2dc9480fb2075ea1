// A connection to a process: its output files, read while they grow, and its stdin FIFO.
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { TerminalSize } from '../../../model/process.js'
import type { Attachment, OutputChunk } from '../../../ports/streams.js'
import { raceAbort } from '../../../util/abort.js'
import { FileTail, type TailSource } from '../tail.js'
import { type Known, type TaskContext, named } from './context.js'
import { StdinPipe } from './stdin-pipe.js'

export class TaskAttachment implements Attachment {
  readonly output: AsyncIterable<OutputChunk>
  readonly #context: TaskContext
  readonly #known: Known
  readonly #tail: FileTail
  readonly #stdin: StdinPipe | undefined

  /** `finished` settles when the process has ended and its output is complete. */
  constructor(context: TaskContext, known: Known, sources: readonly TailSource[], finished: Promise<unknown>) {
    this.#context = context
    this.#known = known
    this.#tail = new FileTail(sources, finished)
    this.output = this.#tail.output()
    this.#stdin = known.state.stdin === undefined ? undefined : new StdinPipe(known.state.stdin, finished)
  }

  async write(bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (this.#stdin === undefined) throw new EngineError('failed_precondition', `${named(this.#known.state)} has no stdin`)
    if (!(await raceAbort(this.#stdin.write(bytes), options.signal)))
      throw new EngineError('failed_precondition', `stdin of ${named(this.#known.state)} is closed`)
  }
  async closeStdin(options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (this.#stdin === undefined || this.#stdin.closed) return
    // Ours first: the end is passed on only when no writer is left.
    await raceAbort(this.#stdin.end(), options.signal)
    await this.#context.carrier.control.closeStdin(this.#known.state, options)
  }
  async resize(size: TerminalSize, options: CallOptions = {}): Promise<void> {
    await resize(this.#context, this.#known, size, options)
  }
  async close(): Promise<void> {
    this.#stdin?.destroy()
    await this.#tail.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/** A process already gone is success. */
export async function resize(
  { carrier }: Pick<TaskContext, 'carrier'>,
  { state }: Known,
  { columns, rows }: TerminalSize,
  options: CallOptions,
): Promise<void> {
  options.signal?.throwIfAborted()
  if (!state.tty) throw new EngineError('failed_precondition', `${named(state)} has no terminal`)
  for (const number of [columns, rows]) {
    if (!Number.isInteger(number) || number < 0 || number > 0xffff)
      throw new EngineError('invalid_argument', `terminal size "${columns}x${rows}" is out of range`)
  }
  try {
    await carrier.control.resize(state, { columns, rows }, options)
  } catch (error) {
    if (!isEngineError(error, 'failed_precondition')) throw error
  }
}
