// Waiting until a container serves. No deadlines of its own: pass a signal.
import type { Container, ExecOptions } from '../api/container.js'
import { EngineError, isEngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { ExitStatus } from '../model/process.js'
import type { LogEntry } from '../ports/streams.js'
import { linkedSignal, raceAbort, sleep } from '../util/abort.js'

export interface ReadyLogOptions extends CallOptions {
  /** Default both. */
  readonly streams?: readonly ('stdout' | 'stderr')[] | undefined
}
export interface ReadyCommandOptions extends Pick<ExecOptions, 'env' | 'user' | 'workingDir' | 'signal'> {
  /** Between two tries. Default 100. */
  readonly intervalMs?: number | undefined
}

/** Each waits for a container that is created or running, and rejects with `failed_precondition` and the last lines of the log when it exits before. */
export const ready: {
  /** Resolves with the first line that contains or matches `pattern`, of those before the call, too. A line beyond 16 KiB is matched in pieces. */
  log(container: Container, pattern: string | RegExp, options?: ReadyLogOptions): Promise<LogEntry>
  /** Resolves when the command exits with 0 inside. One that cannot be run (126, 127) rejects at once. */
  command(container: Container, argv: readonly string[], options?: ReadyCommandOptions): Promise<void>
} = { log: untilLogged, command: untilSuccess }

const defaultIntervalMs = 100
const lastLines = 10

async function untilLogged(container: Container, pattern: string | RegExp, options: ReadyLogOptions = {}): Promise<LogEntry> {
  const matches = matcher(pattern)
  const { streams, signal } = options
  let exit: ExitStatus | undefined
  for (;;) {
    for await (const entry of container.logs({ follow: exit === undefined, streams, signal })) if (matches(entry.text)) return entry
    if (exit !== undefined) throw await ended(container, exit, `its log had ${JSON.stringify(String(pattern))}`, signal)
    // The log ends with the process. One that has not begun, or was started again, has more to say; one that has exited since is read once more.
    const { state } = await container.inspect({ signal })
    if (state.status === 'exited') exit = state.exit
    else await sleep(defaultIntervalMs, signal)
  }
}

async function untilSuccess(container: Container, argv: readonly string[], options: ReadyCommandOptions = {}): Promise<void> {
  const { signal, intervalMs = defaultIntervalMs, ...how } = options
  signal?.throwIfAborted()
  using over = linkedSignal(signal)
  const exited = container.wait({ signal: over.signal }).then(async (exit): Promise<never> => {
    throw await ended(container, exit, `${JSON.stringify(argv.join(' '))} succeeded in it`, signal)
  })
  const probing = probe(container, argv, { ...how, discardOutput: true, signal: over.signal }, intervalMs)
  try {
    await raceAbort(Promise.race([probing, exited]), signal)
  } finally {
    over.abort(new DOMException('no longer waited for', 'AbortError'))
  }
}

async function probe(container: Container, argv: readonly string[], options: ExecOptions, intervalMs: number): Promise<void> {
  for (;;) {
    const exitCode = await tryOnce(container, argv, options)
    if (exitCode === 0) return
    if (exitCode === 126 || exitCode === 127) {
      throw new EngineError(
        'failed_precondition',
        `command ${JSON.stringify(argv.join(' '))} cannot be run in container "${container.id}"`,
        { exitCode },
      )
    }
    await sleep(intervalMs, options.signal)
  }
}

/** Undefined while the container does not run: not yet, or not any more, which the other side tells. */
async function tryOnce(container: Container, argv: readonly string[], options: ExecOptions): Promise<number | undefined> {
  try {
    return (await container.exec(argv, options)).exitCode
  } catch (error) {
    if (isEngineError(error, 'failed_precondition')) return undefined
    throw error
  }
}

async function ended(
  container: Container,
  { exitCode, lost }: ExitStatus,
  before: string,
  signal: AbortSignal | undefined,
): Promise<EngineError> {
  const how = lost ? 'ended, nobody saw how,' : `exited with ${exitCode}`
  return new EngineError(
    'failed_precondition',
    `container "${container.id}" ${how} before ${before}; ${await lastWords(container, signal)}`,
    { exitCode },
  )
}

/** Quoted, since what a container prints may hold control characters. */
async function lastWords(container: Container, signal: AbortSignal | undefined): Promise<string> {
  const lines: string[] = []
  try {
    for await (const { text } of container.logs({ tail: lastLines, signal })) lines.push(JSON.stringify(text))
  } catch (error) {
    signal?.throwIfAborted()
    return isEngineError(error) ? error.message : String(error)
  }
  return lines.length === 0 ? 'it wrote nothing' : `it ended with: ${lines.slice(-lastLines).join(', ')}`
}

/** Without the flags that make `test` remember its last match. */
function matcher(pattern: string | RegExp): (text: string) => boolean {
  if (typeof pattern === 'string') return (text) => text.includes(pattern)
  const stateless = new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''))
  return (text) => stateless.test(text)
}
