// Waits for ends of a container.
import * as z from 'zod/mini'
import { isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ExitStatus } from '../../model/process.js'
import type { WaitOptions } from '../../ports/backend/containers.js'
import { linkedSignal, sleep, within } from '../../util/abort.js'
import { type ContainerContext, containerSubject, inspect, noContainer } from './container-context.js'
import { type ToldEnd, endInHistory, lookedAt } from './container-history.js'
import { untilSettled } from './container-settle.js'
import { path } from './path.js'
import { readBody } from './transport/body.js'
import type { InspectAnswer, InspectState } from './wire/container.js'
import { isRestarting, isRunning, toDate, toExit } from './wire/container-info.js'

type WaitContext = Pick<ContainerContext, 'calls' | 'dialect' | 'facts' | 'signals' | 'supports'>

const shortestMs = 50
const longestMs = 1_000
const mostWaitBytes = 64 * 1024

export async function waitContainer(context: WaitContext, id: string, options: WaitOptions = {}): Promise<ExitStatus> {
  return context.dialect.containers.wait === 'conditions' ? byConditions(context, id, options) : byAsking(context, id, options)
}

/** Each round listens for the next end before it looks, so that none comes between. */
async function byConditions(context: WaitContext, id: string, { until = 'exit', signal }: WaitOptions): Promise<ExitStatus> {
  const called = new Date()
  let last: ExitStatus | undefined
  for (;;) {
    // Closes the connection of a wait that turns out to be needless.
    using listening = linkedSignal(signal)
    const next = await listen(context, id, { signal: listening.signal })
    const before = next === undefined ? undefined : await lookFor(context, id, { signal })
    if (next === undefined || before === undefined) {
      listening.abort(new Error('nobody waits any more'))
      // It was there when it was called, and has gone before it was looked at.
      const missed =
        next && last === undefined ? await endInHistory(context, id, { since: called, running: true, gone: true }, { signal }) : undefined
      return missed === undefined ? whenGone(id, until, last) : toldExit(context, id, missed)
    }
    const settled = endOf(context, before)
    if (until === 'exit' && settled !== undefined) {
      listening.abort(new Error('nobody waits any more'))
      return settled
    }
    last = settled ?? last
    const code = await next()
    const end = code === undefined ? undefined : { exitCode: code, exitedAt: new Date() }
    const after = await lookFor(context, id, { signal })
    const known = after === undefined ? undefined : lastEnd(context, after, code)
    const told = end && toldExit(context, before.Id, end)
    const exit = after === undefined && ran(before.State) ? told : known
    last = exit ?? last
    // It may have been started and have ended again before it was looked at.
    if (exit !== undefined && until === 'next-exit') return told === undefined || told.exitCode === exit.exitCode ? exit : told
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
/** Nobody looked: it may have been removed, or have been started again. */
function toldExit({ signals }: Pick<WaitContext, 'signals'>, id: string, end: ToldEnd): ExitStatus {
  return { ...end, signal: signals.of(id, end), oomKilled: undefined, lost: false }
}
function ran(state: InspectState): boolean {
  return isRunning(state) || isRestarting(state) || state.Paused === true
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
  // What ended while the first look was under way ended after the call. By a clock that goes ahead of ours anything would have.
  const called = Date.now()
  const first = await inspect(context, id, { signal })
  const finished = toDate(first.State.FinishedAt)?.getTime()
  const isLate = finished !== undefined && finished >= called && finished <= Date.now()
  const before = isLate ? undefined : finished
  let last: ExitStatus | undefined
  let lastRun: InspectState['StartedAt']
  /** The run that was waited for before this look, and what was told of its end. */
  let run: InspectAnswer | undefined
  let end: ToldEnd | undefined
  for (let answer: InspectAnswer | undefined = first, pauseMs = shortestMs; ; ) {
    if (answer === undefined) {
      if (end !== undefined) return toldExit(context, first.Id, end)
      if (until === 'removed' && last !== undefined) return last
      throw noContainer(id)
    }
    const told = lastEnd(context, answer, end?.exitCode)
    // While it removes a container Podman tells its end without the code that it told before.
    const exit = told?.lost === true && lastRun === answer.State.StartedAt ? (last ?? told) : told
    if (until === 'next-exit') {
      let missed: ToldEnd | undefined
      if (run !== undefined && end !== undefined) missed = endsAt(run, answer) ? undefined : end
      else if (mayFollowOthers(first, answer, exit) || (isLate && exit?.lost === true))
        missed = await endInHistory(context, id, isLate ? { since: new Date(called), running: true } : lookedAt(first), { signal })
      if (missed !== undefined) return toldExit(context, answer.Id, missed)
    }
    run = end = undefined
    if (exit !== undefined) [last, lastRun] = [exit, answer.State.StartedAt]
    const over = until === 'exit' && endOf(context, answer) !== undefined
    if (over && exit !== undefined && !(await startsAgain(context, answer, { signal }))) return exit
    if (until === 'next-exit' && exit !== undefined && exit.exitedAt.getTime() !== before) return exit
    if (isRunning(answer.State)) {
      run = answer
      end = await endOfRun(context, answer, { signal })
      pauseMs = shortestMs
    } else {
      await sleep(pauseMs, signal)
      pauseMs = Math.min(pauseMs * 1.5, longestMs)
    }
    answer = await lookFor(context, id, { signal })
  }
}
/** Whether the end that is looked at is the one of that run, and not of a later one. */
function endsAt(run: InspectAnswer, { State, RestartCount }: InspectAnswer): boolean {
  return State.StartedAt === run.State.StartedAt || (isRunning(State) && restarts(RestartCount, run) <= 1)
}
/** Whether there may have been more than one end since, or one whose code nobody tells any more. A restart is counted a moment before it comes. */
function mayFollowOthers(first: InspectAnswer, { State, RestartCount }: InspectAnswer, exit: ExitStatus | undefined): boolean {
  const count = restarts(RestartCount, first)
  return count !== 0 && (exit === undefined || exit.lost || count > 1 || !isRunning(State))
}
function restarts(count: InspectAnswer['RestartCount'], since: InspectAnswer): number {
  return (count ?? 0) - (since.RestartCount ?? 0)
}

/**
 * How the run that was seen ended; `undefined` when nobody told it. Some daemons do not hear of an end that came just before
 * they were asked, or that a restart followed at once: so it is looked after meanwhile, and the wait given up when that run is over.
 */
async function endOfRun(context: WaitContext, run: InspectAnswer, { signal }: CallOptions): Promise<ToldEnd | undefined> {
  const { Id, State, HostConfig } = run
  // Under a policy the end that such a daemon tells may be that of a later run.
  const policy = HostConfig.RestartPolicy?.Name ?? ''
  const doubtful = !context.dialect.containers.tellsRestarts && policy !== '' && policy !== 'no'
  using waiting = linkedSignal(signal)
  let isOver = false
  const told = untilItStops(context, Id, { signal: waiting.signal })
    .then((exitCode) => (exitCode === undefined ? undefined : { exitCode, exitedAt: new Date() }))
    .finally(() => {
      isOver = true
    })
  told.catch(() => {})
  const inHistory = (): Promise<ToldEnd | undefined> => endInHistory(context, Id, lookedAt(run), { signal })
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
