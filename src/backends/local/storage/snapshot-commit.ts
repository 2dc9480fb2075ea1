// From a key that is written to a name that never changes.
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../../errors.js'
import { chainIdLabel, type CommitOptions } from '../../../ports/engine/snapshotter.js'
import { fsError, hasErrno } from '../../../util/fs-error.js'
import { finishLayer, type Unfinished } from './finish-layer.js'
import { unfinishedFile } from './snapshot-mounts.js'
import { absent, committedFile, parentOf, type SnapshotterParts, taken } from './snapshot-parts.js'
import type { SnapshotRecord } from './snapshot-records.js'
import { syncDirectory } from './store.js'
import { TarSink } from './tar-sink.js'
import { TarExtract } from './tar/extract.js'
import { keepCounted } from './usage.js'

export async function commitSnapshot(parts: SnapshotterParts, name: string, key: string, options: CommitOptions): Promise<void> {
  const { signal, labels = {}, parent } = options
  signal?.throwIfAborted()
  const { records, store, directory } = parts
  await store.hold?.keep({ kind: 'snapshot', snapshotter: parts.name, key: name })
  const active = await records.find(key)
  if (active === undefined) throw absent(key)
  if (active.kind !== 'active')
    throw new EngineError('failed_precondition', `snapshot "${key}" is a ${active.kind} one: only what can be written is committed`)
  if ((await records.find(name)) !== undefined) throw taken(name)
  const own = join(directory, active.id)
  // What was prepared for a layer holds that layer, and nothing comes to it after it was unpacked.
  const isLayer = active.labels[chainIdLabel] !== undefined
  const { record: whole, isChanged } = await withParent(parts, active, parent, options)
  try {
    if (isLayer) await keepCounted(own)
    await (isLayer && !isChanged ? store.disk.settleBegun(own, { signal }) : store.disk.settle({ signal }))
    // So that whoever removes a key of the dead sees that its directory is another's already.
    await store.step('snapshot.commit mark')
    await writeMark(own, name)
    await store.step('snapshot.commit name')
    if (!(await records.create({ ...whole, key: name, kind: 'committed', labels }, true))) throw taken(name)
    if (parent !== undefined) await checkParent(parts, name, parent, whole)
    await store.step('snapshot.commit key')
    await records.delete(key)
  } catch (error) {
    throw fsError(error, `snapshot "${key}"`)
  }
}

async function writeMark(own: string, name: string): Promise<void> {
  await using file = await open(join(own, committedFile), 'w', 0o600)
  await file.writeFile(name)
  await file.datasync()
  await syncDirectory(own)
}

/** Whoever removes the parent has hidden it before looking for children, so that one of the two sees the other. */
async function checkParent(parts: SnapshotterParts, name: string, parent: string, { chain }: SnapshotRecord): Promise<void> {
  try {
    if ((await parentOf(parts, parent)).id === chain[0]) return
  } catch (error) {
    await parts.records.delete(name)
    throw error
  }
  await parts.records.delete(name)
  throw absent(parent)
}

async function withParent(
  parts: SnapshotterParts,
  active: SnapshotRecord,
  parent: string | undefined,
  { signal }: CommitOptions,
): Promise<{ readonly record: SnapshotRecord; readonly isChanged: boolean }> {
  const { parentLater, ...record } = active
  if ((parentLater === true) !== (parent !== undefined))
    throw new EngineError(
      'invalid_argument',
      `snapshot "${active.key}": a parent is told at commit where that was said before, and only there`,
    )
  if (parent === undefined) return { record, isChanged: false }
  const below = await parentOf(parts, parent)
  const chain = [below.id, ...below.chain]
  const own = join(parts.directory, active.id)
  const unfinished = await readUnfinished(join(own, unfinishedFile))
  if (unfinished !== undefined) {
    const { shell } = parts.store
    await using sink = new TarSink(() => TarExtract.start(shell, join(own, 'fs'), { signal }))
    const lowers = chain.map((id) => join(parts.directory, id, 'fs'))
    await finishLayer(unfinished, lowers, sink, shell, { signal })
    await sink.cut()
  }
  return { record: { ...record, parent, chain }, isChanged: unfinished !== undefined }
}

/** We wrote it ourselves, in this commit's own directory. */
async function readUnfinished(path: string): Promise<Unfinished | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Unfinished
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw fsError(error, 'what is left to do of a layer')
  }
}
