// Starts a created container: the root, then the process. Undone in reverse, and only what this call made.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { RuntimeSpec } from '../../model/process.js'
import type { StartOptions } from '../../ports/backend/containers.js'
import type { Stored } from '../../ports/engine/records.js'
import type { PreparedRoot } from '../../ports/engine/roots.js'
import type { StartedProcess, TaskRequest, TaskService } from '../../ports/engine/tasks.js'
import type { Attachment } from '../../ports/streams.js'
import { Rollback } from '../../util/rollback.js'
import { settled } from '../../util/settled.js'
import type { ContainerContext } from './context.js'
import { storedContainer } from './lookup.js'
import type { ContainerRecord } from './record.js'

/** What `start` needs, and nothing else. */
export interface StartDeps extends Pick<ContainerContext, 'buildSpec' | 'writeFiles' | 'emit' | 'emitExit' | 'failedUndo' | 'bootId'> {
  readonly records: Pick<ContainerContext['records'], 'find' | 'replace'>
  readonly roots: Pick<ContainerContext['roots'], 'prepare' | 'release'>
  readonly tasks: Pick<TaskService, 'find' | 'run' | 'delete'> & { readonly io: Pick<TaskService['io'], 'attach'> }
}

export async function startContainer(
  deps: StartDeps & Pick<ContainerContext, 'lock'>,
  id: string,
  options: StartOptions = {},
): Promise<Attachment | undefined> {
  await using _lock = await deps.lock(id, { signal: options.signal })
  return await startLocked(deps, id, options)
}

/** For who holds the container's lock. */
export async function startLocked(deps: StartDeps, id: string, options: StartOptions = {}): Promise<Attachment | undefined> {
  const { signal, attach } = options
  const stored = await storedContainer(deps, id, { signal })
  if (stored.value.desired === 'removed') throw new EngineError('failed_precondition', `container "${id}" is being removed`)
  if (attach?.stdin === true && stored.value.spec.stdin !== true) {
    throw new EngineError('failed_precondition', `container "${id}" was created without stdin`)
  }
  const task = await deps.tasks.find({ containerId: id }, { signal })
  if (task?.status === 'paused') throw new EngineError('failed_precondition', `container "${id}" is paused: resume it`)
  if (task?.status === 'running') return attach && deps.tasks.io.attach({ containerId: id }, { signal })

  await using undo = new Rollback((failure) => {
    deps.failedUndo(failure)
  })
  // Closed before `undo`: who finds the rest after a crash must not start it again. A wish is stored before the
  // deed, with the exit of the run before, which is about to be freed.
  await using wish = new Rollback((failure) => {
    deps.failedUndo(failure)
  })
  const record: ContainerRecord = {
    ...stored.value,
    desired: 'running',
    started: { at: new Date(), bootId: await deps.bootId({ signal }) },
    lastExit: task?.exit ?? stored.value.lastExit,
  }
  const before: ContainerRecord = { ...stored.value, lastExit: record.lastExit }
  wish.defer('restore the wish', (cleanup) => restoreWish(deps.records, before, cleanup))
  undo.defer('release the root', (cleanup) => deps.roots.release(id, cleanup))
  const [, root, files] = await settled([
    deps.records.replace(id, stored, record, { signal }),
    deps.roots.prepare(id, { signal }),
    deps.writeFiles(record, { signal }),
  ])
  if (task?.exit !== undefined) await deps.emitExit(record, task.exit)
  if (task !== undefined) await deps.tasks.delete({ containerId: id }, { signal })

  // A root that ran before may have been changed: its users are looked up anew.
  const spec = await deps.buildSpec(stored.value, root, files, { signal })
  const started = await runTask(deps.tasks, undo, toRequest(record, spec, root, attach !== undefined), { signal })
  undo.keep()
  wish.keep()
  await deps.emit('start', record, {})
  return started.attachment
}

function toRequest(record: ContainerRecord, spec: RuntimeSpec, root: PreparedRoot, attach: boolean): TaskRequest {
  const { tty = false, stdin = false, lifetime = 'detached' } = record.spec
  return {
    containerId: record.id,
    runtime: record.runtime,
    spec,
    rootfs: root.mounts,
    lifetime,
    sandbox: { id: record.sandboxId },
    stdio: { tty, stdin, attach, log: record.log },
  }
}

async function runTask(tasks: StartDeps['tasks'], undo: Rollback, request: TaskRequest, options: CallOptions): Promise<StartedProcess> {
  const { containerId } = request
  // Scheduled before: an aborted run may have succeeded.
  const notOurs = undo.defer('delete the task', (cleanup) => tasks.delete({ containerId }, { ...cleanup, kill: true }))
  try {
    return await tasks.run(request, options)
  } catch (error) {
    if (isEngineError(error, 'already_exists')) notOurs()
    throw error
  }
}

/** Reads anew: an aborted `replace` may have succeeded. */
async function restoreWish(records: StartDeps['records'], before: ContainerRecord, options: CallOptions): Promise<void> {
  const { id, desired, started, lastExit } = before
  const now: Stored<ContainerRecord> | undefined = await records.find(id, options)
  if (now === undefined || now.value.desired === desired) return
  await records.replace(id, now, { ...now.value, desired, started, lastExit }, options)
}
