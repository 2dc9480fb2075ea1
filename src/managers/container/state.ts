// From a record and what runs to what users see.
import type { ContainerInfo, ContainerMount, ContainerState } from '../../model/container.js'
import type { ProcessInfo } from '../../ports/engine/tasks.js'
import type { ContainerRecord } from './record.js'

export function toState(record: ContainerRecord, task: ProcessInfo | undefined): ContainerState {
  const startedAt = record.started?.at
  const exit = task === undefined ? record.lastExit : task.exit
  if (task !== undefined && task.status !== 'exited')
    return { status: task.status, pid: task.pid, startedAt: startedAt ?? record.createdAt }
  return exit === undefined ? { status: 'created' } : { status: 'exited', exit, startedAt }
}

export function toInfo(record: ContainerRecord, task: ProcessInfo | undefined): ContainerInfo {
  const { id, name, spec, imageId, createdAt, restartCount, root } = record
  return {
    id,
    name,
    image: spec.image,
    imageId,
    labels: spec.labels ?? {},
    createdAt,
    state: toState(record, task),
    spec: { ...spec, name },
    networks: [],
    ports: [],
    mounts: (spec.mounts ?? []).map(toMount),
    restartCount,
    rootDrivers: root.layers.map(({ driver }) => driver),
  }
}

function toMount(mount: NonNullable<ContainerRecord['spec']['mounts']>[number]): ContainerMount {
  if (mount.type === 'tmpfs') return { type: 'tmpfs', target: mount.target, readOnly: false }
  return { type: mount.type, source: mount.source, target: mount.target, readOnly: mount.readOnly ?? false }
}
