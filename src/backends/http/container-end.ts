// Brings containers down: stop with a grace, and removal.
import { isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { Signal } from '../../model/process.js'
import type { RemoveOptions, StopOptions } from '../../ports/backend/containers.js'
import { sleep, within } from '../../util/abort.js'
import { type ContainerContext, containerSubject, inspect } from './container-context.js'
import { requireCapability } from './context.js'
import { untilItStops } from './container-wait.js'
import { path } from './path.js'
import type { InspectAnswer } from './wire/container.js'
import { toContainerSpec } from './wire/container-spec.js'
import { defaultGraceMs } from './wire/create-body.js'
import { isRestarting, isRunning } from './wire/container-info.js'

type EndContext = Pick<ContainerContext, 'calls' | 'dialect' | 'facts' | 'name' | 'signals' | 'supports'>

/** A policy starts it again at once, if at all. */
const restMs = [20, 50, 100, 200, 400, 400, 400, 400]

export async function stopContainer(context: EndContext, id: string, options: StopOptions): Promise<void> {
  await stopOnce(context, id, options)
  const { stoppedStatus } = context.dialect.containers
  if (stoppedStatus !== undefined) await untilItRests(context, id, stoppedStatus, options)
}

/** Between an end and the start that the restart policy makes of it nothing tells that there will be one, and a stop is not heard. */
async function untilItRests(context: EndContext, id: string, stoppedStatus: string, options: StopOptions): Promise<void> {
  for (const ms of restMs) {
    const { State, HostConfig } = await inspect(context, id, { signal: options.signal })
    const policy = hasPolicy(HostConfig)
    if (State.Status === stoppedStatus || State.Status === 'created' || (!policy && !isRunning(State))) return
    // Without a policy the end is told a moment before its state is.
    if (policy && isRunning(State)) await stopOnce(context, id, options)
    else await sleep(ms, options.signal)
  }
}

function hasPolicy({ RestartPolicy }: InspectAnswer['HostConfig']): boolean {
  return !['', 'no'].includes(RestartPolicy?.Name ?? '')
}
/** Somebody else may have done so in between. */
async function resume({ calls }: EndContext, id: string, { signal }: CallOptions): Promise<void> {
  try {
    await calls.json('POST', path`/containers/${id}/unpause`, { subject: containerSubject(id), signal })
  } catch (error) {
    if (!isEngineError(error, 'failed_precondition')) throw error
  }
}

async function stopOnce(context: EndContext, id: string, { graceMs: asked, signal }: StopOptions): Promise<void> {
  const answer = await inspect(context, id, { signal })
  const { State, HostConfig } = answer
  const restarting = isRestarting(State)
  if (!isRunning(State) && !restarting && State.Paused !== true && State.Status !== 'paused') return
  const { stopSignal = 'SIGTERM', stopGraceMs = defaultGraceMs } = toContainerSpec(answer)
  const graceMs = asked ?? stopGraceMs
  const { stop, signalsPaused } = context.dialect.containers
  if (restarting || stop(context.facts, { restarts: hasPolicy(HostConfig) }) === 'daemon')
    return byDaemon(context, answer, graceMs, restarting ? stopSignal : 'SIGTERM', { signal })

  if (State.Paused === true && !signalsPaused) await resume(context, id, { signal })
  if (graceMs > 0) {
    if (!(await send(context, id, stopSignal, { signal }))) return
    const stopped = await within(
      graceMs,
      async (options) => {
        await untilItStops(context, id, options)
        return true
      },
      { signal },
    )
    if (stopped === true) return
  }
  if (await send(context, id, 'SIGKILL', { signal })) await untilItStops(context, id, { signal })
}

/** It counts whole seconds, and goes on when we are aborted. */
async function byDaemon(
  context: EndContext,
  { Id: id, State }: InspectAnswer,
  graceMs: number,
  stopSignal: Signal,
  { signal }: CallOptions,
): Promise<void> {
  const { calls, dialect, signals, supports } = context
  const { shortestStopSeconds } = dialect.containers
  signals.note(id, stopSignal)
  signals.note(id, 'SIGKILL')
  // It ends now, and the stop is then for the restart policy, which a signal does not put to rest.
  if (graceMs === 0 && shortestStopSeconds > 0 && supports('kill')) {
    if (State.Paused === true) await resume(context, id, { signal })
    await send(context, id, 'SIGKILL', { signal })
  }
  const query = { t: Math.max(shortestStopSeconds, Math.ceil(graceMs / 1_000)) }
  await calls.json('POST', path`/containers/${id}/stop`, { query, accept: [304], patient: true, subject: containerSubject(id), signal })
}

/** False when it does not run any more. */
async function send(context: EndContext, id: string, signal: Signal, options: CallOptions): Promise<boolean> {
  try {
    await killContainer(context, id, signal, options)
    return true
  } catch (error) {
    if (isEngineError(error, 'failed_precondition')) return false
    throw error
  }
}

export async function killContainer(context: EndContext, id: string, signal: Signal, options: CallOptions): Promise<void> {
  requireCapability(context, 'kill')
  context.signals.note(id, signal)
  await context.calls.json('POST', path`/containers/${id}/kill`, { query: { signal }, subject: containerSubject(id), ...options })
}

export async function removeContainer(context: EndContext, id: string, { force, volumes, signal }: RemoveOptions): Promise<void> {
  if (force === true) context.signals.note(id, 'SIGKILL')
  if (force === true && context.dialect.containers.forcedRemoval === 'stops') await stopContainer(context, id, { graceMs: 0, signal })
  await context.calls.json('DELETE', path`/containers/${id}`, {
    query: { force: force === true, v: volumes === true },
    patient: true,
    subject: containerSubject(id),
    signal,
  })
}
