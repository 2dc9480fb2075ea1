// Runs a further process in a container.
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { ExecRequest, StartedProcess } from '../../../ports/engine/tasks.js'
import { within } from '../../../util/abort.js'
import { Rollback } from '../../../util/rollback.js'
import { TaskAttachment } from './attachment.js'
import type { ExecJob, Launched } from './carrier.js'
import { type Claim, type NewState, claim, makingKey } from './claim.js'
import { type Known, type TaskContext, known } from './context.js'
import { commandFailure } from './exec-errors.js'

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
    mode: task.state.mode,
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
  const { carrier, exits } = context
  await using undo = new Rollback(({ step, error }) => {
    context.trace({ kind: 'undo', name: step, error })
  }, undoMs)
  const claimed = await claim(context, { ref: request, files: context.files.of(request), plan: request.stdio, about }, { signal })
  const { files, state, stdio, sources } = claimed
  let underWay: Promise<unknown> = Promise.resolve()
  const stopWaiting = new AbortController()
  undo.defer(`exec "${request.execId}"`, async (cleanup) => {
    await within(underWayMs, () => underWay.catch(() => {}), cleanup)
    stopWaiting.abort(new EngineError('unavailable', `exec "${request.execId}" was given up`))
    await undoExec(context, claimed, cleanup)
  })
  signal?.throwIfAborted()
  const job: ExecJob = {
    files,
    state,
    stdio,
    execId: request.execId,
    process: { ...request.process, terminal: request.stdio.tty },
    until: stopWaiting.signal,
    underWay(work) {
      underWay = work
    },
  }
  const launched = await started(carrier.exec(job, { signal }), request)
  if ('exitCode' in launched) {
    stopWaiting.abort(new EngineError('unavailable', 'it never ran'))
    await files.storeExit(state, { exitCode: launched.exitCode, exitedAt: new Date(), oomKilled: false, lost: false })
  }
  const pid = 'exitCode' in launched ? undefined : launched.pid
  const watch = exits.watch(files, state, 'exitCode' in launched ? Promise.resolve(undefined) : launched.waiting)
  watch.exit.catch(() => {})
  undo.keep()
  const hostPid = context.runtimes.features(state.runtime)?.hostPid !== false
  return {
    ...(pid !== undefined && hostPid && { pid }),
    ...(request.stdio.attach && { attachment: new TaskAttachment(context, { files, state } satisfies Known, sources, watch) }),
  }
}

async function undoExec(context: TaskContext, { files, state, sources }: Claim, options: CallOptions): Promise<void> {
  await Promise.allSettled(sources.map(({ file }) => file.close()))
  await context.carrier.destroy(state, options)
  await files.remove()
}

/** The process, or how it ends without having run. */
async function started(call: Promise<Launched>, request: ExecRequest): Promise<Launched | { readonly exitCode: number }> {
  try {
    return await call
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
