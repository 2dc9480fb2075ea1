// Runs a container's init: claim, record, create, start. Undone as a whole, also after an abort.
import { encodeSpec } from '../../../oci/runtime-spec.js'
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions, JsonValue } from '../../../model/common.js'
import type { RuntimeSpec } from '../../../model/process.js'
import type { StartedProcess, TaskRequest } from '../../../ports/engine/tasks.js'
import { raceAbort, within } from '../../../util/abort.js'
import { Rollback } from '../../../util/rollback.js'
import { removeFiles } from '../../host/log-files.js'
import type { ResolvedRuntime } from '../runtimes.js'
import { TaskAttachment } from './attachment.js'
import { type Claim, type NewState, claim, makingKey, newToken } from './claim.js'
import type { TaskContext } from './context.js'
import { commandFailure } from './exec-errors.js'
import { destroyTask } from './release.js'

/** All of the undo. A call that is under way when we give up is waited for, that long: cancelled, it would leave half of a shim. */
const undoMs = 45_000
const underWayMs = 10_000

export async function runTask(context: TaskContext, request: TaskRequest, options: CallOptions): Promise<StartedProcess> {
  const { signal } = options
  const { containerId } = request
  signal?.throwIfAborted()
  const runtime = context.runtimes.resolve(request.runtime)
  if (request.stdio.tty && !runtime.features.tty) throw new EngineError('unsupported', `runtime "${runtime.name}" has no terminals`)
  const spec = toWireSpec(runtime.adaptSpec(request.spec), request)
  const about: NewState = {
    containerId,
    wireId: `${containerId}-${newToken()}`,
    runtime: runtime.name,
    cgroup: cgroupOf(spec, runtime),
    sharedPids: hasSharedPids(spec),
  }
  context.making.add(makingKey(about))
  try {
    await context.wire.calls.step('tasks.claim')
    return await start(context, request, runtime, spec, about, options)
  } finally {
    context.making.delete(makingKey(about))
  }
}

async function start(
  context: TaskContext,
  request: TaskRequest,
  runtime: ResolvedRuntime,
  spec: RuntimeSpec,
  about: NewState,
  options: CallOptions,
): Promise<StartedProcess> {
  const { signal } = options
  const { wire } = context
  const ref = { containerId: request.containerId }
  await using undo = new Rollback(({ step, error }) => {
    context.trace({ kind: 'undo', name: step, error })
  }, undoMs)
  const claimed = await claim(context, ref, request.stdio, about, { signal })
  const { files, state, stdio, sources } = claimed
  let underWay: Promise<unknown> = Promise.resolve()
  undo.defer(`run of container "${request.containerId}"`, async (cleanup) => {
    await within(underWayMs, () => underWay.catch(() => {}), cleanup)
    await undoRun(context, claimed, cleanup)
  })
  signal?.throwIfAborted()
  await wire.createContainer(state, runtime.wire, encodeSpec(spec), { signal })
  const creating = wire.createTask(state, runtime.wire, request.rootfs, stdio, {})
  underWay = creating
  const pid = await explained(raceAbort(creating, signal), request)
  // Before the start: an exit that comes at once must find somebody who listens.
  const waiting = wire.wait(state, { signal: context.exits.closed })
  waiting.catch(() => {})
  const starting = Promise.all([wire.start(state, {}), files.markStarted()])
  underWay = starting
  await explained(raceAbort(starting, signal), request)
  const watch = context.exits.watch(files, state, waiting)
  watch.exit.catch(() => {})
  undo.keep()
  return {
    ...(runtime.features.hostPid && { pid }),
    ...(request.stdio.attach && { attachment: new TaskAttachment(context, { files, state }, sources, watch.finished) }),
  }
}

async function undoRun(context: TaskContext, { files, state, sources, logFiles }: Claim, options: CallOptions): Promise<void> {
  await Promise.allSettled(sources.map(({ handle }) => handle.close()))
  await destroyTask(context, state, options)
  await removeFiles(logFiles)
  await files.remove()
}

/** The terminal and the place of the root are this mechanism's affair; all else stands as it was given. */
function toWireSpec(spec: RuntimeSpec, { rootfs, stdio }: TaskRequest): RuntimeSpec {
  const process = { ...(spec['process'] as { readonly [key: string]: JsonValue } | undefined), terminal: stdio.tty }
  const root = { ...(spec['root'] as { readonly [key: string]: JsonValue } | undefined), ...(rootfs.length > 0 && { path: 'rootfs' }) }
  return { ...spec, process, root }
}
function cgroupOf(spec: RuntimeSpec, { features }: ResolvedRuntime): string | undefined {
  const path = (spec['linux'] as { readonly cgroupsPath?: JsonValue } | undefined)?.cgroupsPath
  return features.cgroup === 'container' && typeof path === 'string' ? path : undefined
}
function hasSharedPids(spec: RuntimeSpec): boolean {
  const namespaces =
    (spec['linux'] as { readonly namespaces?: readonly { readonly type?: JsonValue; readonly path?: JsonValue }[] } | undefined)
      ?.namespaces ?? []
  return !namespaces.some(({ type, path = '' }) => type === 'pid' && path === '')
}

/** A command that cannot be run is the caller's error, whatever the runtime's words. */
async function explained<T>(call: Promise<T>, { containerId, spec }: TaskRequest): Promise<T> {
  try {
    return await call
  } catch (error) {
    const failure = isEngineError(error) ? commandFailure(error.message) : undefined
    if (failure === undefined) throw error
    const [command] = (spec['process'] as { readonly args?: readonly string[] } | undefined)?.args ?? []
    const subject = { kind: 'container', id: containerId }
    throw new EngineError('failed_precondition', `command "${command ?? ''}" of container "${containerId}" ${failure.why}`, {
      cause: error,
      exitCode: failure.exitCode,
      subject,
    })
  }
}
