// Runs a container's init: claim, then launch. Undone as a whole, also after an abort.
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions, JsonValue } from '../../../model/common.js'
import type { RuntimeSpec } from '../../../model/process.js'
import type { StartedProcess, TaskRequest } from '../../../ports/engine/tasks.js'
import { within } from '../../../util/abort.js'
import { Rollback } from '../../../util/rollback.js'
import { removeFiles } from '../log-files.js'
import { runtimeRemedy } from '../runtimes/runtime-remedies.js'
import { TaskAttachment } from './attachment.js'
import type { RunJob } from './carrier.js'
import { type Claim, type NewState, claim, makingKey, newToken } from './claim.js'
import type { TaskContext, TaskRuntimes } from './context.js'
import { commandFailure } from './exec-errors.js'

/** All of the undo. A call that is under way when we give up is waited for, that long: cancelled, it would leave half of a shim. */
const undoMs = 45_000
const underWayMs = 10_000

type Resolved = ReturnType<TaskRuntimes['resolve']>

export async function runTask(context: TaskContext, request: TaskRequest, options: CallOptions): Promise<StartedProcess> {
  const { signal } = options
  const { containerId } = request
  signal?.throwIfAborted()
  const runtime = context.runtimes.resolve(request.runtime)
  if (request.stdio.tty && !runtime.features.tty) throw new EngineError('unsupported', `runtime "${runtime.name}" has no terminals`)
  const spec = toLaunchSpec(runtime.adaptSpec(request.spec), request)
  const about: NewState = {
    containerId,
    wireId: `${containerId}-${newToken()}`,
    runtime: runtime.name,
    mode: context.carrier.mode(request, spec),
    cgroup: cgroupOf(spec, runtime),
    sharedPids: hasSharedPids(spec),
  }
  context.making.add(makingKey(about))
  try {
    await context.step('tasks.claim')
    return await start(context, request, runtime, spec, about, options)
  } finally {
    context.making.delete(makingKey(about))
  }
}

async function start(
  context: TaskContext,
  request: TaskRequest,
  runtime: Resolved,
  spec: RuntimeSpec,
  about: NewState,
  options: CallOptions,
): Promise<StartedProcess> {
  const { signal } = options
  const ref = { containerId: request.containerId }
  await using undo = new Rollback(({ step, error }) => {
    context.trace({ kind: 'undo', name: step, error })
  }, undoMs)
  const claimed = await claim(
    context,
    { ref, files: context.files.place(request.containerId, request.lifetime), plan: request.stdio, about },
    { signal },
  )
  const { files, state, stdio, sources } = claimed
  let underWay: Promise<unknown> = Promise.resolve()
  undo.defer(`run of container "${request.containerId}"`, async (cleanup) => {
    await within(underWayMs, () => underWay.catch(() => {}), cleanup)
    await undoRun(context, claimed, cleanup)
  })
  signal?.throwIfAborted()
  const job: RunJob = {
    files,
    state,
    stdio,
    runtime: request.runtime,
    spec,
    rootfs: request.rootfs,
    lifetime: request.lifetime,
    sandbox: request.sandbox,
    until: context.exits.closed,
    underWay(work) {
      underWay = work
    },
  }
  const { pid, waiting } = await explained(context.carrier.run(job, { signal }), request)
  const watch = context.exits.watch(files, state, waiting)
  watch.exit.catch(() => {})
  undo.keep()
  return {
    ...(runtime.features.hostPid && { pid }),
    ...(request.stdio.attach && { attachment: new TaskAttachment(context, { files, state }, sources, watch) }),
  }
}

async function undoRun(context: TaskContext, { files, state, sources, logFiles }: Claim, options: CallOptions): Promise<void> {
  await Promise.allSettled(sources.map(({ file }) => file.close()))
  await context.carrier.destroy(state, options)
  await removeFiles(logFiles)
  await files.remove()
}

/** The terminal and the place of the root are this mechanism's affair; all else stands as it was given. */
function toLaunchSpec(spec: RuntimeSpec, { rootfs, stdio }: TaskRequest): RuntimeSpec {
  const process = { ...(spec['process'] as { readonly [key: string]: JsonValue } | undefined), terminal: stdio.tty }
  const root = { ...(spec['root'] as { readonly [key: string]: JsonValue } | undefined), ...(rootfs.length > 0 && { path: 'rootfs' }) }
  return { ...spec, process, root }
}
function cgroupOf(spec: RuntimeSpec, { features }: Resolved): string | undefined {
  const path = (spec['linux'] as { readonly cgroupsPath?: JsonValue } | undefined)?.cgroupsPath
  return features.cgroup === 'container' && typeof path === 'string' ? path : undefined
}
/** Processes of others are seen, and outlive init. */
export function hasSharedPids(spec: RuntimeSpec): boolean {
  const namespaces =
    (spec['linux'] as { readonly namespaces?: readonly { readonly type?: JsonValue; readonly path?: JsonValue }[] } | undefined)
      ?.namespaces ?? []
  return !namespaces.some(({ type, path = '' }) => type === 'pid' && path === '')
}

/** A command that cannot be run is the caller's error, whatever the runtime's words; and so is a runtime that needs something else here. */
async function explained<T>(call: Promise<T>, { containerId, spec, runtime }: TaskRequest): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (!isEngineError(error)) throw error
    const subject = { kind: 'container', id: containerId }
    const remedy = runtimeRemedy(error.message)
    if (remedy !== undefined)
      throw new EngineError('failed_precondition', `runtime "${runtime.name}" does not work here: ${error.message}: ${remedy}`, {
        cause: error,
        subject,
      })
    const failure = commandFailure(error.message)
    if (failure === undefined) throw error
    const [command] = (spec['process'] as { readonly args?: readonly string[] } | undefined)?.args ?? []
    throw new EngineError('failed_precondition', `command "${command ?? ''}" of container "${containerId}" ${failure.why}`, {
      cause: error,
      exitCode: failure.exitCode,
      subject,
    })
  }
}
