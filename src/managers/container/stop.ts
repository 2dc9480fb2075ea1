// Ends a container's process: the stop signal, a grace, then SIGKILL.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ExitStatus, Signal } from '../../model/process.js'
import type { StopOptions } from '../../ports/backend/containers.js'
import type { TaskService } from '../../ports/engine/tasks.js'
import { within } from '../../util/abort.js'
import type { ContainerContext } from './context.js'
import { storedContainer } from './lookup.js'
import type { ContainerRecord } from './record.js'

export interface StopDeps extends Pick<ContainerContext, 'records' | 'emit' | 'emitExit'> {
  readonly tasks: Pick<TaskService, 'find' | 'kill' | 'wait'> & { readonly control: Pick<TaskService['control'], 'resume'> }
}

const defaultGraceMs = 10_000
/** A process that the kernel cannot end by SIGKILL hangs in it. */
const killMs = 30_000

export async function stopContainer(deps: StopDeps & Pick<ContainerContext, 'lock'>, id: string, options: StopOptions = {}): Promise<void> {
  await using _lock = await deps.lock(id, { signal: options.signal })
  await stopLocked(deps, id, options)
}

/** For who holds the container's lock. */
export async function stopLocked(deps: StopDeps, id: string, options: StopOptions = {}): Promise<void> {
  const { signal } = options
  const stored = await storedContainer(deps, id, { signal })
  const record = stored.value
  const task = await deps.tasks.find({ containerId: id }, { signal })
  if (record.desired === 'running') await deps.records.replace(id, stored, { ...record, desired: 'stopped' }, { signal })
  if (task === undefined || task.status === 'exited') return
  const exit = await endProcess(deps.tasks, record, task.status === 'paused', options)
  await deps.emitExit(record, exit)
  await deps.emit('stop', record, { exitCode: String(exit.exitCode) })
}

async function endProcess(tasks: StopDeps['tasks'], record: ContainerRecord, paused: boolean, options: StopOptions): Promise<ExitStatus> {
  const { signal } = options
  const ref = { containerId: record.id }
  const graceMs = options.graceMs ?? record.spec.stopGraceMs ?? defaultGraceMs
  if (graceMs > 0) {
    await tasks.kill(ref, (record.spec.stopSignal ?? 'SIGTERM') as Signal, { signal })
    // A frozen process acts on a signal only when it is thawed (cgroup v1).
    if (paused) await thaw(tasks, record.id, { signal })
    const exit = await within(graceMs, (inner) => tasks.wait(ref, inner), { signal })
    if (exit !== undefined) return exit
  }
  await tasks.kill(ref, 'SIGKILL', { signal })
  if (paused) await thaw(tasks, record.id, { signal })
  const exit = await within(killMs, (inner: CallOptions) => tasks.wait(ref, inner), { signal })
  if (exit === undefined) throw new EngineError('unavailable', `container "${record.id}" does not end: SIGKILL was sent ${killMs} ms ago`)
  return exit
}

/** Some runtimes thaw what they kill by themselves, and then it may have ended. */
async function thaw({ control }: StopDeps['tasks'], id: string, options: CallOptions): Promise<void> {
  try {
    await control.resume(id, options)
  } catch (error) {
    if (!isEngineError(error, 'failed_precondition') && !isEngineError(error, 'not_found')) throw error
  }
}
