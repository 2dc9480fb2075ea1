// What `run` and `exec` have in common: stdin in, output collected, the exit waited for.
import { EngineError, isEngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { ExitStatus } from '../model/process.js'
import type { Attachment, OutputChunk } from '../ports/streams.js'
import { raceAbort } from '../util/abort.js'
import { CommandError } from './command-error.js'

/** A whole text or its pieces; a Node `Readable` is one of these. */
export type CommandInput = string | Uint8Array | AsyncIterable<string | Uint8Array>

export interface RunOptions extends CallOptions {
  /** A non-zero exit rejects with a `CommandError` that carries the output. Default false. */
  readonly check?: boolean | undefined
  /** What the command reads, and then an end of file. Read no faster than the command does. Default: nothing to read. */
  readonly stdin?: CommandInput | undefined
  /** Each piece of output as it comes. Awaited: a slow one slows the command. What it throws ends the command and rejects the call. */
  readonly onOutput?: ((chunk: OutputChunk) => void | Promise<void>) | undefined
  /** Of both streams together. More than that ends the command, and the call rejects with `resource_exhausted`. Default 64 MiB. */
  readonly maxOutputBytes?: number | undefined
  /** Collect nothing: `onOutput` alone sees it, and there is no limit. Default false. */
  readonly discardOutput?: boolean | undefined
}
export interface CommandResult {
  /** The command's own, whatever it is. */
  readonly exitCode: number
  readonly stdout: Buffer
  /** Empty with a terminal: it has one stream. */
  readonly stderr: Buffer
}

export interface StartedCommand {
  /** For messages, e.g. `container "ab12"`. */
  readonly what: string
  readonly io: Attachment
  readonly stdin: boolean
  wait(options: CallOptions): Promise<ExitStatus>
}

const defaultMaxOutputBytes = 64 * 1024 * 1024

/** Settles when output and exit are complete, or at the first failure. Ends nothing: the caller knows how. */
export async function converse({ what, io, stdin, wait }: StartedCommand, options: RunOptions): Promise<CommandResult> {
  const over = new AbortController()
  const fed = new Promise<never>((_resolve, reject) => {
    if (stdin) feed(io, options.stdin ?? '', over.signal).catch(reject)
  })
  try {
    const whole = Promise.all([collect(what, io.output, options), wait({ signal: options.signal })])
    const [{ stdout, stderr }, { exitCode }] = await raceAbort(Promise.race([whole, fed]), options.signal)
    const result = { exitCode, stdout, stderr }
    if (options.check === true && exitCode !== 0) throw new CommandError(`${what} exited with code ${exitCode}${lastLine(stderr)}`, result)
    return result
  } finally {
    over.abort()
  }
}

async function collect(
  what: string,
  output: AsyncIterable<OutputChunk>,
  { onOutput, maxOutputBytes = defaultMaxOutputBytes, discardOutput }: RunOptions,
): Promise<{ readonly stdout: Buffer; readonly stderr: Buffer }> {
  const kept = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] }
  let size = 0
  for await (const chunk of output) {
    if (onOutput !== undefined) await onOutput(chunk)
    if (discardOutput === true) continue
    size += chunk.bytes.length
    if (size > maxOutputBytes)
      throw new EngineError('resource_exhausted', `the output of ${what} exceeds ${maxOutputBytes} bytes (maxOutputBytes)`)
    kept[chunk.stream].push(chunk.bytes)
  }
  return { stdout: Buffer.concat(kept.stdout), stderr: Buffer.concat(kept.stderr) }
}

/** Rejects for a source that fails and for a connection that breaks, but not because the command stopped reading. */
async function feed(io: Attachment, input: CommandInput, over: AbortSignal): Promise<void> {
  const source = pieces(input)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await raceAbort(source.next(), over)
      if (next.done === true) break
      const bytes = typeof next.value === 'string' ? Buffer.from(next.value) : next.value
      if (bytes.length > 0) await io.write(bytes, { signal: over })
    }
    await io.closeStdin({ signal: over })
  } catch (error) {
    if (!over.aborted && !isEngineError(error, 'failed_precondition') && !isEngineError(error, 'not_found')) throw error
  } finally {
    void source.return?.(undefined).catch(() => {}) // not awaited: a source that waits for its own input answers when that comes
  }
}

async function* pieces(input: CommandInput): AsyncGenerator<string | Uint8Array> {
  if (typeof input === 'string' || input instanceof Uint8Array) yield input
  else yield* input
}

/** Quoted, since what a container prints may hold control characters. */
function lastLine(stderr: Buffer): string {
  const line = stderr.subarray(-4096).toString('utf8').trimEnd().split('\n').pop() ?? ''
  return line === '' ? '' : `: ${JSON.stringify(line.slice(-200))}`
}
