// A connection to a process: its output files, read while they grow, and its stdin FIFO.
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { TerminalSize } from '../../../model/process.js'
import type { Attachment, OutputChunk } from '../../../ports/streams.js'
import { raceAbort } from '../../../util/abort.js'
import { FileTail, type TailSource } from '../tail.js'
import { type Known, type TaskContext, named } from './context.js'
import type { Watch } from './exits.js'
import { StdinPipe } from './stdin-pipe.js'

export class TaskAttachment implements Attachment {
  readonly output: AsyncIterable<OutputChunk>
  readonly #context: TaskContext
  readonly #known: Known
  readonly #tail: FileTail
  readonly #stdin: StdinPipe | undefined
  #ending: Promise<void> | undefined
  #endingFailed = false
  #closed = false

  constructor(context: TaskContext, known: Known, sources: readonly TailSource[], { exit, finished }: Watch) {
    this.#context = context
    this.#known = known
    this.#tail = new FileTail(sources, finished)
    this.output = this.#whole(exit)
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
    if (this.#stdin === undefined || (this.#stdin.closed && this.#ending === undefined)) return
    // As one: an abort ends the waiting for it, not what is half done. What failed is tried again by the next call.
    if (this.#ending === undefined || this.#endingFailed) this.#ending = this.#endInput(this.#stdin)
    await raceAbort(this.#ending, options.signal)
  }
  async resize(size: TerminalSize, options: CallOptions = {}): Promise<void> {
    await resize(this.#context, this.#known, size, options)
  }
  async close(): Promise<void> {
    this.#closed = true
    this.#stdin?.destroy()
    await this.#tail.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What ends before the process does, with its engine, rejects: it would look like all there is. */
  async *#whole(exit: Promise<unknown>): AsyncGenerator<OutputChunk, void, undefined> {
    yield* this.#tail.output()
    if (!this.#closed) await exit
  }
  /** Ours first: the end is passed on only when no writer is left. */
  async #endInput(stdin: StdinPipe): Promise<void> {
    this.#endingFailed = false
    try {
      await stdin.end()
      await this.#context.carrier.control.closeStdin(this.#known.state, {})
    } catch (error) {
      this.#endingFailed = true
      throw error
    }
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
