// Takes a container away with everything of its own. May be interrupted anywhere and done again.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { RemoveOptions } from '../../ports/backend/containers.js'
import type { ProcessInfo, TaskService } from '../../ports/engine/tasks.js'
import { hasNoRoom } from '../../util/fs-error.js'
import { settled } from '../../util/settled.js'
import type { ContainerContext } from './context.js'
import { storedContainer } from './lookup.js'
import { releaseName } from './names.js'
import type { ContainerRecord } from './record.js'

export interface RemoveDeps
  extends Pick<ContainerContext, 'records' | 'names' | 'snapshotter' | 'roots' | 'directories' | 'emit' | 'emitExit'> {
  readonly tasks: Pick<TaskService, 'find' | 'wait' | 'delete'>
}

export async function removeContainer(
  deps: RemoveDeps & Pick<ContainerContext, 'lock'>,
  id: string,
  options: RemoveOptions = {},
): Promise<void> {
  await using _lock = await deps.lock(id, { signal: options.signal })
  const { signal, force = false } = options
  const stored = await storedContainer(deps, id, { signal })
  const task = await deps.tasks.find({ containerId: id }, { signal })
  if (task !== undefined && task.status !== 'exited' && !force) {
    throw new EngineError('failed_precondition', `container "${id}" runs: stop it, or remove it with force`)
  }
  // An owned one needs no such wish: whoever finds it after our death removes it anyway.
  if (stored.value.desired !== 'removed' && stored.value.owner === undefined) {
    await deps.records.replace(id, stored, { ...stored.value, desired: 'removed' }, { signal }).catch(unlessNoRoom)
  }
  const ending = task === undefined ? undefined : tellEnd(deps, stored.value, task, { signal })
  await Promise.all([deps.tasks.delete({ containerId: id }, { kill: force, signal }), ending])
  await removeParts(deps, stored.value, { signal })
}

/** A removal makes room. Without its wish, who is killed in the middle leaves a container to be removed once more. */
function unlessNoRoom(error: unknown): undefined {
  if (!hasNoRoom(error)) throw error
}

/** Waits for the end of one that is being killed: who is gone before anybody looks has an end in the history all the same. */
async function tellEnd({ tasks, emitExit }: RemoveDeps, record: ContainerRecord, task: ProcessInfo, options: CallOptions): Promise<void> {
  try {
    await emitExit(record, task.exit ?? (await tasks.wait(task.ref, options)))
  } catch (error) {
    // Freed before it could be asked: the removal is none the worse for it.
    if (!isEngineError(error, 'not_found')) throw error
  }
}

/** All but the task, for who holds the container's lock. The record goes last: by it repair finds the rest. */
export async function removeParts(
  deps: Omit<RemoveDeps, 'tasks' | 'emitExit'>,
  record: ContainerRecord,
  options: CallOptions = {},
): Promise<void> {
  const { id } = record
  await deps.roots.release(id, options)
  const snapshot = record.root.kind === 'snapshot' ? deps.snapshotter.remove(id, options) : undefined
  await settled([snapshot, deps.directories.remove(id, options), releaseName(deps, record.name, id, options)])
  await deps.records.delete(id, options)
  await deps.emit('remove', record, {})
}
