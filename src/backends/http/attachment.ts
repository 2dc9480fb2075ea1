// A connection to a process: output with or without frames, stdin, and the end that is asked for where the daemon tells none.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { TerminalSize } from '../../model/process.js'
import type { Attachment, OutputChunk } from '../../ports/streams.js'
import { sleep } from '../../util/abort.js'
import type { Subject, Upgraded } from './calls.js'
import { demultiplex } from './demultiplex.js'
import { CutShort } from './errors.js'
import { untilEnded } from './until-ended.js'

export interface AttachedProcess {
  /** In place of the connection's. */
  readonly output?: AsyncIterable<Uint8Array> | undefined
  readonly subject: Subject
  readonly tty: boolean
  readonly stdin: boolean
  readonly framed: boolean
  /** Whether it has ended, of all that the daemon knows. */
  ended(): Promise<boolean>
  resize(size: TerminalSize, options?: CallOptions): Promise<void>
  /**
   * `drain`: closing goes on reading, and throws away what comes, until the process ends. Some daemons end a process, or lose its exit
   * code, when the connection is cut. `cut`: they do not mind.
   */
  readonly detach: 'cut' | 'drain'
  /** Whether an output that begins so is not the process's own but the daemon's word of why it could not run. */
  readonly isRefusal?: ((beginning: Uint8Array) => Promise<boolean>) | undefined
  /** What the daemon says behind the process's own words when it has lost its streams. */
  readonly failure?: RegExp | undefined
  /** Called once, when the output is complete. */
  readonly finished?: (() => void) | undefined
}

/** An end of file to a terminal in its usual mode. */
const endOfTransmission = Uint8Array.of(4)
const longestFailure = 512
const endMs = [0, 20, 50, 100, 250, 500, 1_000, 1_000, 1_000, 1_000]

export class HttpAttachment implements Attachment {
  readonly output: AsyncIterable<OutputChunk>
  readonly #connection: Upgraded
  readonly #process: AttachedProcess
  readonly #source: AsyncIterator<Uint8Array>
  #drained: Promise<void> | undefined
  #stdinEnded = false
  #closed = false

  constructor(connection: Upgraded, process: AttachedProcess) {
    this.#connection = connection
    this.#process = process
    this.#source = (process.output ?? connection.output)[Symbol.asyncIterator]()
    this.output = this.#read()
  }

  async write(bytes: Uint8Array, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (!this.#process.stdin) throw this.#refusal('has no stdin')
    if (this.#stdinEnded || this.#closed) throw this.#refusal('has its stdin closed')
    try {
      await this.#connection.write(bytes, options)
    } catch (error) {
      // It stopped reading because it is gone: no fault of the connection.
      if (isEngineError(error) && (await this.#process.ended().catch(() => false))) throw this.#refusal('has ended', error)
      throw error
    }
  }
  async closeStdin(options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (!this.#process.stdin || this.#stdinEnded || this.#closed) return
    this.#stdinEnded = true
    // The end of a connection to a terminal would end its output as well.
    if (this.#process.tty) await this.#connection.write(endOfTransmission, options).catch(this.#unlessGone)
    else await this.#connection.end(options)
  }
  async resize(size: TerminalSize, options?: CallOptions): Promise<void> {
    await this.#process.resize(size, options)
  }
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#process.detach === 'cut') await this.#connection.close()
    else this.#drain()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Whoever stops reading does not hold the process up, whether or not the connection is closed. */
  #drain(): void {
    const ended = async (): Promise<void> => {
      try {
        while ((await this.#source.next()).done !== true);
      } catch {
        /* nobody listens any more */
      }
      await this.#connection.close()
      this.#process.finished?.()
    }
    this.#drained ??= ended()
  }

  async *#read(): AsyncGenerator<OutputChunk, void, undefined> {
    const { framed, ended, finished, isRefusal, failure } = this.#process
    const bytes = untilEnded(kept(this.#source), {
      ended,
      cut: () => {
        void this.#connection.close()
      },
    })
    let complete = false
    try {
      const chunks = framed ? demultiplex(bytes) : plain(bytes)
      const own = isRefusal === undefined ? chunks : withoutRefusal(chunks, isRefusal)
      yield* failure === undefined ? own : untilFailure(own, failure)
      complete = true
      if (!this.#closed && !(await this.#endIsKnown())) throw this.#cutShort()
    } catch (error) {
      complete = true
      if (this.#closed) return // detached: that is an end, too
      throw error instanceof CutShort ? this.#cutShort(error) : error
    } finally {
      if (complete) {
        await this.#connection.close()
        finished?.()
      } else this.#drain()
    }
  }
  /** A daemon closes the streams a moment before it knows of the end. One that goes on without streams was cut. */
  async #endIsKnown(): Promise<boolean> {
    for (const ms of endMs) {
      if (ms > 0) await sleep(ms)
      if (this.#closed || (await this.#process.ended())) return true
    }
    return false
  }
  #unlessGone = async (error: unknown): Promise<void> => {
    if (!(await this.#process.ended().catch(() => false))) throw error
  }
  #cutShort(cause?: unknown): EngineError {
    const { kind, id } = this.#process.subject
    return new EngineError(
      'unavailable',
      `the streams of ${kind} "${id}" were cut ${cause === undefined ? 'while it runs' : `by the daemon: ${(cause as Error).message}`}`,
      {
        cause,
        subject: this.#process.subject,
        retryable: true,
      },
    )
  }
  #refusal(why: string, cause?: unknown): EngineError {
    const { kind, id } = this.#process.subject
    return new EngineError('failed_precondition', `${kind} "${id}" ${why}`, { cause, subject: this.#process.subject })
  }
}

async function* plain(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<OutputChunk, void, undefined> {
  for await (const chunk of bytes) yield { stream: 'stdout', bytes: chunk }
}
/** Leaving it does not end its source. */
function kept<T>(source: AsyncIterator<T>): AsyncIterable<T> {
  return { [Symbol.asyncIterator]: () => ({ next: () => source.next() }) }
}
async function* untilFailure(chunks: AsyncIterable<OutputChunk>, failure: RegExp): AsyncGenerator<OutputChunk, void, undefined> {
  for await (const chunk of chunks) {
    const { stream, bytes } = chunk
    const end = bytes.subarray(-longestFailure)
    const words = stream === 'stderr' ? failure.exec(Buffer.from(end).toString('latin1')) : null
    if (words === null) yield chunk
    else {
      const size = bytes.length - words[0].length
      if (size > 0) yield { stream, bytes: bytes.subarray(0, size) }
      throw new CutShort(words[0].trim())
    }
  }
}
async function* withoutRefusal(
  chunks: AsyncIterable<OutputChunk>,
  isRefusal: (beginning: Uint8Array) => Promise<boolean>,
): AsyncGenerator<OutputChunk, void, undefined> {
  let judged = false
  for await (const chunk of chunks) {
    if (!judged && (await isRefusal(chunk.bytes))) continue
    judged = true
    yield chunk
  }
}

/** Reads one piece ahead; `beginning` is that piece without its first bytes. */
export function peeked(
  source: AsyncIterable<Uint8Array>,
  skip: number,
): { readonly output: AsyncIterable<Uint8Array>; readonly beginning: Promise<Uint8Array> } {
  const iterator = source[Symbol.asyncIterator]()
  const first = iterator.next()
  const beginning = first.then(
    ({ done, value }) => (done === true ? new Uint8Array() : (value as Uint8Array).subarray(skip)),
    () => new Uint8Array(),
  )
  const output = async function* (): AsyncGenerator<Uint8Array> {
    const { done, value } = await first
    if (done === true) return
    yield value as Uint8Array
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return { output: output(), beginning }
}
