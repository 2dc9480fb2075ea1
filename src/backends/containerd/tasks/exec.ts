// Runs a further process in a container.
import { encodeSpec } from '../../../oci/runtime-spec.js'
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { ExecRequest, StartedProcess } from '../../../ports/engine/tasks.js'
import { raceAbort, within } from '../../../util/abort.js'
import { Rollback } from '../../../util/rollback.js'
import { TaskAttachment } from './attachment.js'
import { type Claim, type NewState, claim, makingKey } from './claim.js'
import { type Known, type TaskContext, known } from './context.js'
import { commandFailure } from './exec-errors.js'
import { destroyTask } from './release.js'

const undoMs = 45_000
const underWayMs = 10_000

export async function execProcess(context: TaskContext, request: ExecRequest, options: CallOptions): Promise<StartedProcess> {
  const { signal } = options
  signal?.throwIfAborted()
  const task = await known(context, { containerId: request.containerId })
  if (task === undefined || (await task.files.exit(task.state)) !== undefined) throw doesNotRun(request)
  const features = context.runtimes.features(task.state.runtime)
  if (features?.exec === false) throw new EngineError('unsupported', `runtime "${task.state.runtime}" has no exec`)
  const { containerId, execId } = request
  const about: NewState = {
    containerId,
    execId,
    wireId: task.state.wireId,
    runtime: task.state.runtime,
    cgroup: task.state.cgroup,
    sharedPids: task.state.sharedPids,
    oomBefore: await context.cgroups.oomKills(task.state.cgroup),
  }
  context.making.add(makingKey(about))
  try {
    return await start(context, request, about, options)
  } finally {
    context.making.delete(makingKey(about))
  }
}

async function start(context: TaskContext, request: ExecRequest, about: NewState, { signal }: CallOptions): Promise<StartedProcess> {
  const { wire, exits } = context
  await using undo = new Rollback(({ step, error }) => {
    context.trace({ kind: 'undo', name: step, error })
  }, undoMs)
  const claimed = await claim(context, request, request.stdio, about, { signal })
  const { files, state, stdio, sources } = claimed
  let underWay: Promise<unknown> = Promise.resolve()
  const stopWaiting = new AbortController()
  undo.defer(`exec "${request.execId}"`, async (cleanup) => {
    await within(underWayMs, () => underWay.catch(() => {}), cleanup)
    stopWaiting.abort(new EngineError('unavailable', `exec "${request.execId}" was given up`))
    await undoExec(context, claimed, cleanup)
  })
  signal?.throwIfAborted()
  const target = { ...state, execId: request.execId }
  const registering = wire.exec(target, encodeSpec({ ...request.process, terminal: request.stdio.tty }), stdio, {})
  underWay = registering
  await running(raceAbort(registering, signal), request)
  const waiting = wire.wait(state, { signal: stopWaiting.signal })
  waiting.catch(() => {})
  const starting = Promise.all([wire.start(state, {}), files.markStarted()])
  underWay = starting
  const pid = await started(raceAbort(starting, signal), request)
  if (typeof pid !== 'number') {
    stopWaiting.abort(new EngineError('unavailable', 'it never ran'))
    await files.storeExit(state, { exitCode: pid.exitCode, exitedAt: new Date(), oomKilled: false, lost: false })
  }
  const watch = exits.watch(files, state, typeof pid === 'number' ? waiting : Promise.resolve(undefined))
  watch.exit.catch(() => {})
  undo.keep()
  const hostPid = context.runtimes.features(state.runtime)?.hostPid !== false
  return {
    ...(typeof pid === 'number' && hostPid && { pid }),
    ...(request.stdio.attach && { attachment: new TaskAttachment(context, { files, state } satisfies Known, sources, watch.finished) }),
  }
}

async function undoExec(context: TaskContext, { files, state, sources }: Claim, options: CallOptions): Promise<void> {
  await Promise.allSettled(sources.map(({ handle }) => handle.close()))
  await destroyTask(context, state, options)
  await files.remove()
}

async function running<T>(call: Promise<T>, request: ExecRequest): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (isEngineError(error, 'not_found')) throw doesNotRun(request, error)
    throw error
  }
}
/** The pid, or how it ends without having run. */
async function started(call: Promise<readonly [number, void]>, request: ExecRequest): Promise<number | { readonly exitCode: number }> {
  try {
    return (await call)[0]
  } catch (error) {
    const failure = isEngineError(error) ? commandFailure(error.message) : undefined
    if (failure !== undefined) return failure
    if (isEngineError(error, 'not_found') || (isEngineError(error) && stoppedTexts.test(error.message))) throw doesNotRun(request, error)
    throw error
  }
}
/** What a shim, runc and crun say of a container that has ended or is paused. */
const stoppedTexts =
  /cannot exec in a \w+ (?:state|container|process)|container .*(?:is not running|not running)|cannot exec a container that has stopped|the container .* is not running|cannot exec in a paused container/i

function doesNotRun({ containerId }: ExecRequest, cause?: unknown): EngineError {
  return new EngineError('failed_precondition', `container "${containerId}" does not run`, {
    cause,
    subject: { kind: 'container', id: containerId },
  })
}
