// Takes a container away with everything of its own. May be interrupted anywhere and done again.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { RemoveOptions } from '../../ports/backend/containers.js'
import type { TaskService } from '../../ports/engine/tasks.js'
import type { ContainerContext } from './context.js'
import { storedContainer } from './lookup.js'
import { releaseName } from './names.js'
import type { ContainerRecord } from './record.js'

export interface RemoveDeps extends Pick<ContainerContext, 'records' | 'names' | 'snapshotter' | 'roots' | 'directories' | 'emit'> {
  readonly tasks: Pick<TaskService, 'find' | 'delete'>
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
    await deps.records.replace(id, stored, { ...stored.value, desired: 'removed' }, { signal })
  }
  await deps.tasks.delete({ containerId: id }, { kill: force, signal })
  await removeParts(deps, stored.value, { signal })
}

/** All but the task, for who holds the container's lock. The record goes before the name, so that the name is never another's by mistake. */
export async function removeParts(deps: RemoveDeps, record: ContainerRecord, options: CallOptions = {}): Promise<void> {
  const { id } = record
  await deps.roots.release(id, options)
  const snapshot = record.root.kind === 'snapshot' ? deps.snapshotter.remove(id, options) : undefined
  await Promise.all([snapshot, deps.directories.remove(id, options)])
  await deps.records.delete(id, options)
  await releaseName(deps, record.name, id, options)
  await deps.emit('remove', record, {})
}
