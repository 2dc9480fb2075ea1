// Waits for ends of a container.
import * as z from 'zod/mini'
import { isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ExitStatus } from '../../model/process.js'
import type { WaitOptions } from '../../ports/backend/containers.js'
import { linkedSignal, sleep, within } from '../../util/abort.js'
import { type ContainerContext, containerSubject, inspect, noContainer } from './container-context.js'
import { untilSettled } from './container-settle.js'
import { engineEvents } from './events.js'
import { path } from './path.js'
import { readBody } from './transport/body.js'
import type { InspectAnswer, InspectState } from './wire/container.js'
import { isRestarting, isRunning, toDate, toExit } from './wire/container-info.js'

type WaitContext = Pick<ContainerContext, 'calls' | 'dialect' | 'facts' | 'signals' | 'supports'>

const shortestMs = 50
const longestMs = 1_000
const mostWaitBytes = 64 * 1024
/** Some daemons write their history a little later than they act. */
const historyMs = 3_000

export async function waitContainer(context: WaitContext, id: string, options: WaitOptions = {}): Promise<ExitStatus> {
  return context.dialect.containers.wait === 'conditions' ? byConditions(context, id, options) : byAsking(context, id, options)
}

/** Each round listens for the next end before it looks, so that none comes between. */
async function byConditions(context: WaitContext, id: string, { until = 'exit', signal }: WaitOptions): Promise<ExitStatus> {
  let last: ExitStatus | undefined
  for (;;) {
    // Closes the connection of a wait that turns out to be needless.
    using listening = linkedSignal(signal)
    const next = await listen(context, id, { signal: listening.signal })
    const before = next === undefined ? undefined : await lookFor(context, id, { signal })
    if (next === undefined || before === undefined) {
      listening.abort(new Error('nobody waits any more'))
      return whenGone(id, until, last)
    }
    const settled = endOf(context, before)
    if (until === 'exit' && settled !== undefined) {
      listening.abort(new Error('nobody waits any more'))
      return settled
    }
    last = settled ?? last
    const code = await next()
    const after = await lookFor(context, id, { signal })
    const exit = after === undefined ? toldEnd(context, before, code) : lastEnd(context, after, code)
    last = exit ?? last
    if (exit !== undefined && until === 'next-exit') return exit
    if (after === undefined) return whenGone(id, until === 'exit' && exit !== undefined ? 'removed' : until, last)
    if (exit === undefined) await sleep(shortestMs, signal) // a start that failed
  }
}
/** Of an ended one: where a restart that is to come is not told by its state, the history tells it. */
async function startsAgain(context: WaitContext, { Id, State, HostConfig }: InspectAnswer, { signal }: CallOptions): Promise<boolean> {
  const policy = HostConfig.RestartPolicy?.Name ?? ''
  if (context.dialect.containers.tellsRestarts || policy === '' || policy === 'no') return false
  // It is told before it has begun, and for a moment nothing else tells it.
  if ((await untilSettled(context, { Id, State }, { signal })) === 'restart') return true
  const now = await lookFor(context, Id, { signal })
  return now !== undefined && (isRunning(now.State) || isRestarting(now.State) || now.State.StartedAt !== State.StartedAt)
}
function whenGone(id: string, until: WaitOptions['until'], last: ExitStatus | undefined): ExitStatus {
  if (until === 'removed' && last !== undefined) return last
  throw noContainer(id)
}
/** Of one that ended and was removed before anybody could look: only what the wait itself told. */
function toldEnd({ signals }: WaitContext, { Id, State }: InspectAnswer, exitCode: number | undefined): ExitStatus | undefined {
  const ran = isRunning(State) || isRestarting(State) || State.Paused === true
  if (!ran || exitCode === undefined) return undefined
  const exitedAt = new Date()
  return { exitCode, signal: signals.of(Id, { exitCode, exitedAt }), exitedAt, oomKilled: undefined, lost: false }
}

/** `undefined` when it is not there. What it resolves with waits for the end, whose code it gives. */
async function listen(
  { calls }: WaitContext,
  id: string,
  { signal }: CallOptions,
): Promise<(() => Promise<number | undefined>) | undefined> {
  try {
    const { body } = await calls.bytes('POST', path`/containers/${id}/wait`, {
      query: { condition: 'next-exit' },
      subject: containerSubject(id),
      signal,
    })
    return async () => exitCodeOf(parsed(await readBody(body, mostWaitBytes)))
  } catch (error) {
    if (isEngineError(error, 'not_found')) return undefined
    throw error
  }
}
const waitAnswer = z.object({ StatusCode: z.number(), Error: z.nullish(z.object({ Message: z.nullish(z.string()) })) })
/** What does not fit tells nothing: the end is looked at. */
function exitCodeOf(answer: unknown): number | undefined {
  const { success, data } = z.safeParse(waitAnswer, answer)
  return success && (data.Error?.Message ?? '') === '' ? data.StatusCode : undefined
}
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** For daemons whose `wait` knows running ones only. */
async function byAsking(context: WaitContext, id: string, { until = 'exit', signal }: WaitOptions): Promise<ExitStatus> {
  // What ended while the first look was under way ended after the call.
  const called = Date.now()
  const first = await inspect(context, id, { signal })
  const finished = toDate(first.State.FinishedAt)?.getTime()
  const before = finished !== undefined && finished < called ? finished : undefined
  let last: ExitStatus | undefined
  let lastRun: InspectState['StartedAt']
  /** Of one that was removed before anybody could look. */
  let ended: ExitStatus | undefined
  /** What a wait told of the end that is looked at next. */
  let code: number | undefined
  for (let answer: InspectAnswer | undefined = first, pauseMs = shortestMs; ; ) {
    if (answer === undefined) {
      if (ended !== undefined) return ended
      if (until === 'removed' && last !== undefined) return last
      throw noContainer(id)
    }
    ended = undefined
    const told = lastEnd(context, answer, code)
    // While it removes a container Podman tells its end without the code that it told before.
    const exit = told?.lost === true && lastRun === answer.State.StartedAt ? (last ?? told) : told
    code = undefined
    if (exit !== undefined) [last, lastRun] = [exit, answer.State.StartedAt]
    const over = until === 'exit' && endOf(context, answer) !== undefined
    if (over && exit !== undefined && !(await startsAgain(context, answer, { signal }))) return exit
    if (until === 'next-exit' && exit !== undefined && exit.exitedAt.getTime() !== before) return exit
    if (isRunning(answer.State)) {
      code = await codeOfRun(context, answer, { signal })
      ended = toldEnd(context, answer, code)
      pauseMs = shortestMs
    } else {
      await sleep(pauseMs, signal)
      pauseMs = Math.min(pauseMs * 1.5, longestMs)
    }
    answer = await lookFor(context, id, { signal })
  }
}

/**
 * The code of the end of the run that was seen; `undefined` when nobody told it. Some daemons do not hear of an end that came just before
 * they were asked, or that a restart followed at once: so it is looked after meanwhile, and the wait given up when that run is over.
 */
async function codeOfRun(
  context: WaitContext,
  { Id, State, HostConfig }: InspectAnswer,
  { signal }: CallOptions,
): Promise<number | undefined> {
  // Under a policy the end that such a daemon tells may be that of a later run.
  const policy = HostConfig.RestartPolicy?.Name ?? ''
  const doubtful = !context.dialect.containers.tellsRestarts && policy !== '' && policy !== 'no'
  using waiting = linkedSignal(signal)
  let isOver = false
  const told = untilItStops(context, Id, { signal: waiting.signal }).finally(() => {
    isOver = true
  })
  told.catch(() => {})
  const inHistory = (): Promise<number | undefined> => codeInHistory(context, Id, State.StartedAt, { signal })
  try {
    for (;;) {
      await Promise.race([told, sleep(longestMs, signal)])
      // It may have been removed before the wait was there: then only the history has it.
      if (isOver) return doubtful ? ((await inHistory()) ?? (await told)) : ((await told) ?? (await inHistory()))
      const now = await lookFor(context, Id, { signal })
      const runsOn = now !== undefined && isRunning(now.State) && now.State.StartedAt === State.StartedAt
      if (!runsOn) return (await within(shortestMs, () => told, { signal })) ?? (await inHistory())
    }
  } finally {
    waiting.abort(new Error('nobody waits any more'))
  }
}

/** Of the first end after that start. */
async function codeInHistory(
  context: WaitContext,
  id: string,
  startedAt: InspectState['StartedAt'],
  { signal }: CallOptions,
): Promise<number | undefined> {
  const since = toDate(startedAt)
  if (since === undefined || !context.supports('event_history')) return undefined
  const asked = { since, types: ['container'], actions: ['exit'], subjects: [id] } as const
  return within(
    historyMs,
    async (call) => {
      for await (const { attributes } of engineEvents(context, { ...asked, signal: call.signal }))
        if (/^\d+$/.test(attributes['exitCode'] ?? '')) return Number(attributes['exitCode'])
      return undefined
    },
    { signal },
  )
}

/** Resolves when it does not run, at once if it is so, or is not there; with the code of an end that was waited for. */
export async function untilItStops(
  { calls }: Pick<WaitContext, 'calls'>,
  id: string,
  { signal }: CallOptions,
): Promise<number | undefined> {
  try {
    const answer = await calls.json('POST', path`/containers/${id}/wait`, { patient: true, subject: containerSubject(id), signal })
    return exitCodeOf(answer)
  } catch (error) {
    if (!isEngineError(error, 'not_found')) throw error
    return undefined
  }
}

async function lookFor(context: WaitContext, id: string, options: CallOptions): Promise<InspectAnswer | undefined> {
  try {
    return await inspect(context, id, options)
  } catch (error) {
    if (isEngineError(error, 'not_found')) return undefined
    throw error
  }
}

/** Of one that has exited and will not be started again by its restart policy. */
function endOf(context: WaitContext, answer: InspectAnswer): ExitStatus | undefined {
  const { State } = answer
  return isRunning(State) || isRestarting(State) || State.Paused === true || State.Status === 'paused'
    ? undefined
    : lastEnd(context, answer)
}

/** The end that the daemon remembers; of a running one that of the run before, whose code is `code`, or nobody tells it any more. */
function lastEnd({ signals }: Pick<WaitContext, 'signals'>, { Id, State }: InspectAnswer, code?: number): ExitStatus | undefined {
  if (toDate(State.FinishedAt) === undefined) return undefined
  const state: InspectState = isRunning(State)
    ? { ...State, ExitCode: code }
    : isRestarting(State)
      ? { ...State, ExitCode: code ?? State.ExitCode }
      : State
  return toExit(state, (exit) => signals.of(Id, exit))
}
