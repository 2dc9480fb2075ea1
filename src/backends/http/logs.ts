// The log of a container, one entry a line.
import { EngineError } from '../../errors.js'
import type { LogEntry, LogOptions } from '../../ports/streams.js'
import { linkedSignal, sleep } from '../../util/abort.js'
import { hasEnded } from './attach.js'
import { type ContainerContext, containerSubject, inspect } from './container-context.js'
import { Demultiplexer } from './demultiplex.js'
import { CutShort, toEngineError } from './errors.js'
import { FramedLog, type LogParser, PlainLog } from './log-lines.js'
import { path } from './path.js'
import { untilEnded } from './until-ended.js'
import type { InspectAnswer } from './wire/container.js'
import { isRunning, toDate } from './wire/container-info.js'

type LogContext = Pick<ContainerContext, 'calls' | 'dialect' | 'supports'>

export async function* containerLogs(context: LogContext, id: string, options: LogOptions = {}): AsyncGenerator<LogEntry, void, undefined> {
  const recorded = context.supports('log_timestamps')
  for await (const entry of recordedLogs(context, id, options)) yield recorded ? entry : { ...entry, time: new Date() }
}

async function* recordedLogs(context: LogContext, id: string, options: LogOptions): AsyncGenerator<LogEntry> {
  const { tail, streams, follow, signal } = options
  const answer = await inspect(context, id, { signal })
  if (answer.HostConfig.LogConfig?.Type === 'none')
    throw new EngineError('unsupported', `container "${id}" has no log: its log driver is "none"`, { subject: containerSubject(id) })
  if (toDate(answer.State.StartedAt) === undefined || tail === 0) {
    if (follow !== true || toDate(answer.State.StartedAt) === undefined) return
  }
  await untilWritten(context, answer, options)
  // A daemon counts the lines of both streams, and takes some away afterwards.
  if (tail !== undefined && tail > 0 && streams !== undefined && new Set(streams).size === 1)
    yield* lastOfOneStream(context, answer, options, tail)
  else yield* entries(context, answer, options)
}

/** By the daemon's clock, but never longer than it may take. */
async function untilWritten({ dialect }: LogContext, { State }: InspectAnswer, { signal }: LogOptions): Promise<void> {
  const { logsLagMs } = dialect.containers
  const endedAt = toDate(State.FinishedAt)?.getTime()
  if (logsLagMs === 0 || endedAt === undefined || isRunning(State)) return
  const left = Math.min(endedAt + logsLagMs - Date.now(), logsLagMs)
  if (left > 0) await sleep(left, signal)
}

async function* lastOfOneStream(context: LogContext, answer: InspectAnswer, options: LogOptions, tail: number): AsyncGenerator<LogEntry> {
  const kept: LogEntry[] = []
  for await (const entry of entries(context, answer, { ...options, tail: undefined, follow: false })) {
    kept.push(entry)
    if (kept.length > tail) kept.shift()
  }
  yield* kept
  if (options.follow !== true) return
  const newest = kept.at(-1)?.time
  let same = kept.filter(({ time }) => time.getTime() === newest?.getTime()).length
  for await (const entry of entries(context, answer, { ...options, tail: undefined, since: newest ?? options.since })) {
    if (entry.time.getTime() === newest?.getTime() && same > 0) same -= 1
    else yield entry
  }
}

async function* entries(context: LogContext, { Id: id, Config, State }: InspectAnswer, options: LogOptions): AsyncGenerator<LogEntry> {
  const { follow = false, since, until, tail, streams = ['stdout', 'stderr'], signal } = options
  const parser: LogParser = Config.Tty === true ? new PlainLog() : new FramedLog(new Demultiplexer())
  const query = {
    follow,
    timestamps: true,
    stdout: streams.includes('stdout'),
    stderr: streams.includes('stderr'),
    since: seconds(since),
    until: seconds(until),
    tail: tail ?? 'all',
  }
  const request = { method: 'GET' as const, path: path`/containers/${id}/logs` }
  const subject = containerSubject(id)
  using ownSignal = linkedSignal(signal)
  const { body } = await context.calls.bytes(request.method, request.path, { query, subject, signal: ownSignal.signal })
  const bytes = follow
    ? untilEnded(body, {
        ended: () => hasEnded(context, id, State.FinishedAt),
        cut: () => {
          ownSignal.abort(new EngineError('unavailable', 'it has ended'))
        },
      })
    : body
  try {
    for await (const chunk of bytes) yield* wanted(parser.push(chunk), since, until)
    yield* wanted(parser.end(), since, until)
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason
    throw error instanceof CutShort ? toEngineError(error, { request, subject }) : error
  }
}

/** Daemons count seconds with a fraction of nanoseconds; some read whole ones only. */
function seconds(date: Date | undefined): string | undefined {
  return date === undefined ? undefined : (date.getTime() / 1_000).toFixed(3)
}
function* wanted(lines: Iterable<LogEntry>, since: Date | undefined, until: Date | undefined): Generator<LogEntry> {
  for (const entry of lines) if ((since === undefined || entry.time >= since) && (until === undefined || entry.time <= until)) yield entry
}
