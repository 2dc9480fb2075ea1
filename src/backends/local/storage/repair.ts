// What dead processes have left: holds, hidden things, temporary records, and what lies in the trash.
import type { CallOptions } from '../../../model/common.js'
import { bringBack } from './collect.js'
import { sweepHolds } from './holds.js'
import { isCommitted, type SnapshotterParts } from './snapshot-parts.js'
import { keepLock, type Store } from './store.js'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fsError } from '../../../util/fs-error.js'

/** A temporary record is renamed within moments of its making. */
const temporaryMs = 60_000

export async function repairStorage(
  store: Store,
  snapshotters: readonly SnapshotterParts[],
  options: CallOptions,
): Promise<readonly string[]> {
  options.signal?.throwIfAborted()
  try {
    const lines = [...(await sweepHolds(store, options))]
    {
      await using _keep = await store.locks.acquire(keepLock, options)
      lines.push(...(await bringBack(store, snapshotters)))
    }
    for (const parts of snapshotters) lines.push(...(await repairSnapshots(parts)))
    if ((await readdir(store.places.trash)).length > 0) await store.trash.empty()
    return lines
  } catch (error) {
    throw fsError(error, 'repair of the storage')
  }
}

async function repairSnapshots(parts: SnapshotterParts): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const record of parts.records.list()) {
    if (record.kind !== 'active' || !(await isCommitted(parts, record))) continue
    await parts.records.delete(record.key)
    lines.push(`removed the key "${record.key}" of a snapshot that has its name`)
  }
  await parts.records.sweep(async (name) => {
    const made = await stat(join(parts.directory, 'names', name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => Date.now(),
    )
    return Date.now() - made < temporaryMs
  })
  return lines
}
