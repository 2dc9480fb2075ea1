// Makes a container: name, image, snapshot, record. Nothing runs yet.
import { randomBytes } from 'node:crypto'
import type { CallOptions } from '../../model/common.js'
import type { ContainerSpec } from '../../model/container-spec.js'
import type { LogPlan } from '../../ports/engine/tasks.js'
import { EngineError, isEngineError } from '../../errors.js'
import { raceAbort } from '../../util/abort.js'
import { Rollback } from '../../util/rollback.js'
import { settled } from '../../util/settled.js'
import { fillIn } from '../spec/fill-in.js'
import type { ContainerContext, ContainerImage } from './context.js'
import { releaseName, reserveName } from './names.js'
import type { ContainerRecord, RootRecord } from './record.js'

export type CreateDeps = Pick<
  ContainerContext,
  'records' | 'names' | 'snapshotter' | 'directories' | 'lock' | 'tryLock' | 'emit' | 'image' | 'check' | 'runtime' | 'owner' | 'failedUndo'
>

/** The label by which repair knows whose a snapshot is. */
export const containerLabel = 'pouch-sdk/container'

export async function createContainer(deps: CreateDeps, spec: ContainerSpec, options: CallOptions = {}): Promise<string> {
  const { signal } = options
  const id = spec.id ?? randomBytes(32).toString('hex')
  const image =
    spec.image === undefined ? undefined : await deps.image(spec.image, { pull: spec.pull ?? 'never', platform: spec.platform, signal })
  const record = await toRecord(deps, id, spec, image, options)
  await deps.check(record, options)

  // Held to the end: whoever finds the parts without a record, and can take this lock, knows that we are dead.
  await using _lock = await deps.lock(id, options)
  // Before an undo is scheduled: it would take away what another container of this id has.
  if (spec.id !== undefined && (await deps.records.find(id, options)) !== undefined) throw idTaken(id)
  await using undo = new Rollback((failure) => {
    deps.failedUndo(failure)
  })
  undo.defer(`free the name "${record.name}"`, (cleanup) => releaseName(deps, record.name, id, cleanup))
  await settled([
    reserveName(deps, record.name, id, options),
    record.root.kind === 'snapshot' ? prepareSnapshot(deps, undo, id, record.root.parent, options) : undefined,
  ])
  undo.defer('delete the record', (cleanup) => deps.records.delete(id, cleanup))
  await deps.records.create(id, record, options)
  await deps.emit('create', record, image === undefined ? {} : { image: spec.image ?? '' }, options)
  undo.keep()
  return id
}

/** Not aborted itself, but left alone: one that is still under way when the undo comes would be made after it. */
async function prepareSnapshot(
  { snapshotter }: CreateDeps,
  undo: Rollback,
  id: string,
  parent: string | undefined,
  { signal }: CallOptions,
): Promise<void> {
  signal?.throwIfAborted()
  const preparing = snapshotter.prepare(id, parent, { labels: { [containerLabel]: id } })
  undo.defer('remove the snapshot', async (cleanup) => {
    const failure: unknown = await raceAbort(preparing, cleanup.signal).then(
      () => undefined,
      (error: unknown) => error,
    )
    // Not ours then: of another root on the same storage, when the user has chosen the id.
    if (!isEngineError(failure, 'already_exists')) await snapshotter.remove(id, cleanup)
  })
  try {
    await raceAbort(preparing, signal)
  } catch (error) {
    throw isEngineError(error, 'already_exists') ? idTaken(id, error) : error
  }
}

function idTaken(id: string, cause?: unknown): EngineError {
  return new EngineError('already_exists', `container id "${id}" is taken`, { subject: { kind: 'container', id }, cause })
}

async function toRecord(
  deps: CreateDeps,
  id: string,
  spec: ContainerSpec,
  image: ContainerImage | undefined,
  options: CallOptions,
): Promise<ContainerRecord> {
  const filled = image === undefined ? fillIn(spec) : image.fillIn(spec)
  const { lifetime = 'detached' } = spec
  return {
    version: 1,
    id,
    name: spec.name ?? id.slice(0, 12),
    createdAt: new Date(),
    spec: filled,
    imageId: image?.id,
    runtime: deps.runtime(spec),
    log: toLogPlan(spec, deps.directories.path(id)),
    root: toRoot(deps, id, spec, image),
    sandboxId: id,
    owner: lifetime === 'owned' ? await deps.owner(options) : undefined,
    desired: 'stopped',
    restartCount: 0,
  }
}

function toRoot({ snapshotter }: CreateDeps, id: string, spec: ContainerSpec, image: ContainerImage | undefined): RootRecord {
  if (spec.rootfs !== undefined) return { kind: 'directory', path: spec.rootfs, layers: [] }
  return { kind: 'snapshot', snapshotter: snapshotter.name, key: id, parent: image?.parent, layers: [] }
}

function toLogPlan({ log }: ContainerSpec, directory: string): LogPlan {
  return { driver: log?.driver ?? 'file', options: log?.options ?? {}, directory }
}
