// Taking snapshots away, in an order that leaves no directory without a record, and no record that a crash could mislead by.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { EngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import { fsError } from '../../../util/fs-error.js'
import { keptName } from './holds.js'
import { moved, type SnapshotRecord } from './snapshot-records.js'
import { isCommitted, type SnapshotterParts } from './snapshot-parts.js'
import { keepLock } from './store.js'

export async function removeSnapshot(parts: SnapshotterParts, key: string, options: CallOptions): Promise<void> {
  options.signal?.throwIfAborted()
  const { records, store } = parts
  const record = await records.find(key)
  if (record === undefined) return
  try {
    if (record.kind === 'committed') await removeCommitted(parts, record, options)
    else if (await isCommitted(parts, record)) await records.delete(key)
    else {
      await store.step('snapshot.remove')
      const trashed = await discard(parts, record)
      await records.delete(key)
      await store.trash.emptyLater(trashed)
    }
  } catch (error) {
    throw fsError(error, `snapshot "${key}"`)
  }
}

async function removeCommitted(parts: SnapshotterParts, record: SnapshotRecord, options: CallOptions): Promise<void> {
  const { store, records, name } = parts
  const { key } = record
  let trashed: readonly string[] = []
  {
    await using _keep = await store.locks.acquire(keepLock, options)
    if (await hasChildren(parts, key)) throw withChildren(key)
    const at = join(store.places.doomed, keptName({ kind: 'snapshot', snapshotter: name, key }))
    await store.step('snapshot.remove hide')
    if (!(await records.hide(key, at))) return
    if (await hasChildren(parts, key)) {
      await records.restore(fileNameOf(at), at)
      throw withChildren(key)
    }
    trashed = await discard(parts, record)
    await store.step('snapshot.remove record')
    await moved(at, join(store.places.trash, randomUUID()))
  }
  await store.trash.empty(trashed)
}

/** The directory is out of sight. What it is called there. */
export async function discard({ directory, store }: SnapshotterParts, { id }: SnapshotRecord): Promise<readonly string[]> {
  const name = `${id}-${randomUUID()}`
  return (await moved(join(directory, id), join(store.places.trash, name))) ? [name] : []
}
async function hasChildren({ records }: SnapshotterParts, key: string): Promise<boolean> {
  for await (const { parent } of records.list()) if (parent === key) return true
  return false
}
/** Of a hidden record: its key as a file's name. */
export function fileNameOf(path: string): string {
  return path.slice(path.lastIndexOf(',') + 1)
}
function withChildren(key: string): EngineError {
  return new EngineError('failed_precondition', `snapshot "${key}" has children`, { subject: { kind: 'snapshot', id: key } })
}
