// After a crash: records against tasks, snapshots, names and directories. What a live process is making holds its
// container's lock, so whatever lock can be taken at once belongs to nobody.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ExitStatus } from '../../model/process.js'
import type { Stored } from '../../ports/engine/records.js'
import type { ContainerContext } from './context.js'
import { containerLabel } from './create.js'
import { freeStaleName } from './names.js'
import type { ContainerRecord } from './record.js'
import { removeParts } from './remove.js'

export interface RecoverDeps
  extends Pick<ContainerContext, 'records' | 'names' | 'tasks' | 'snapshotter' | 'roots' | 'directories' | 'tryLock' | 'emit' | 'bootId'> {
  /** True when that engine is closed or dead. Never for our own. */
  ownerIsGone(owner: string, options?: CallOptions): Promise<boolean>
}
export interface Findings {
  repaired(line: string): void
  failed(what: string, error: unknown): void
}

export async function recoverContainers(deps: RecoverDeps, findings: Findings, options: CallOptions = {}): Promise<void> {
  const bootId = await deps.bootId(options)
  /** Names by id. */
  const known = new Map<string, string>()
  for await (const stored of deps.records.list(options)) {
    known.set(stored.value.id, stored.value.name)
    await attempt(findings, `container "${stored.value.id}"`, () => recoverOne(deps, findings, stored, bootId, options), options)
  }
  await sweepOrphans(deps, findings, known, options)
}

async function recoverOne(
  deps: RecoverDeps,
  findings: Findings,
  listed: Stored<ContainerRecord>,
  bootId: string,
  options: CallOptions,
): Promise<void> {
  const { id, owner } = listed.value
  const orphan = owner !== undefined && (await deps.ownerIsGone(owner, options))
  const stale = listed.value.started !== undefined && listed.value.desired === 'running'
  if (!orphan && !stale && listed.value.desired !== 'removed') return
  await using lock = await deps.tryLock(id, options)
  if (lock === undefined) return
  const stored = await deps.records.find(id, options)
  if (stored === undefined) return
  if (orphan || stored.value.desired === 'removed') {
    await deps.records.replace(id, stored, { ...stored.value, desired: 'removed' }, options)
    await deps.tasks.delete({ containerId: id }, { ...options, kill: true })
    await removeParts(deps, stored.value, options)
    findings.repaired(orphan ? `removed container "${id}", whose owner is gone` : `finished the removal of container "${id}"`)
    return
  }
  await recoverWish(deps, findings, stored, bootId, options)
}

/** It should run, and nothing of it does: it was killed before it ran, or went down with the machine. */
async function recoverWish(
  deps: RecoverDeps,
  findings: Findings,
  stored: Stored<ContainerRecord>,
  bootId: string,
  options: CallOptions,
): Promise<void> {
  const { id, started, lastExit } = stored.value
  if (started === undefined || (await deps.tasks.find({ containerId: id }, options)) !== undefined) return
  const rebooted = started.bootId !== bootId
  if (rebooted) await deps.roots.release(id, options)
  const lost: ExitStatus | undefined = rebooted ? { exitCode: 255, exitedAt: new Date(), oomKilled: undefined, lost: true } : lastExit
  const before = lost === undefined ? undefined : started
  await deps.records.replace(id, stored, { ...stored.value, desired: 'stopped', started: before, lastExit: lost }, options)
  findings.repaired(rebooted ? `container "${id}" ended with the machine` : `took back the interrupted start of container "${id}"`)
}

async function sweepOrphans(
  deps: RecoverDeps,
  findings: Findings,
  known: ReadonlyMap<string, string>,
  options: CallOptions,
): Promise<void> {
  const seen = new Map<string, string>()
  for await (const { ref } of deps.tasks.list(options)) seen.set(ref.containerId, 'task')
  for await (const { key, labels } of deps.snapshotter.list(options)) if (labels[containerLabel] === key) seen.set(key, 'snapshot')
  for await (const id of deps.directories.list(options)) seen.set(id, 'directory')
  for (const [id, what] of seen) {
    if (known.has(id)) continue
    await attempt(findings, `${what} of "${id}"`, () => sweepOrphan(deps, findings, id, what, options), options)
  }
  const named = new Set<string>()
  for await (const { value } of deps.names.list(options)) {
    const { name, containerId } = value
    named.add(name)
    if (known.has(containerId)) continue
    const free = async (): Promise<void> => {
      if (await freeStaleName(deps, name, options)) findings.repaired(`freed the name "${name}"`)
    }
    await attempt(findings, `name "${name}"`, free, options)
  }
  for (const [id, name] of known) {
    if (!named.has(name)) await attempt(findings, `name "${name}"`, () => restoreName(deps, findings, id, name, options), options)
  }
}

/** Names are not synced to the disk: after a power failure the record tells. */
async function restoreName(deps: RecoverDeps, findings: Findings, id: string, name: string, options: CallOptions): Promise<void> {
  await using lock = await deps.tryLock(id, options)
  const stored = lock && (await deps.records.find(id, options))
  if (stored?.value.name !== name || stored.value.desired === 'removed') return
  await deps.names.create(name, { version: 1, name, containerId: id }, options)
  findings.repaired(`gave container "${id}" its name "${name}" back`)
}

async function sweepOrphan(deps: RecoverDeps, findings: Findings, id: string, what: string, options: CallOptions): Promise<void> {
  await using lock = await deps.tryLock(id, options)
  if (lock === undefined || (await deps.records.find(id, options)) !== undefined) return
  await deps.tasks.delete({ containerId: id }, { ...options, kill: true })
  await deps.snapshotter.remove(id, options)
  await deps.directories.remove(id, options)
  findings.repaired(`removed the ${what} of "${id}", which has no container`)
}

/** One that fails is left to the next repair and does not keep the others from being put right. */
async function attempt(findings: Findings, what: string, work: () => Promise<void>, { signal }: CallOptions): Promise<void> {
  signal?.throwIfAborted()
  try {
    await work()
  } catch (error) {
    signal?.throwIfAborted()
    findings.failed(what, error instanceof Error ? error : new EngineError('internal', String(error)))
  }
}
