// What the verbs of a snapshotter work with.
import { join } from 'node:path'
import { EngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import { readSmall } from '../../host/small-files.js'
import type { SnapshotRecord, SnapshotRecords } from './snapshot-records.js'
import type { OverlayDefaults } from './snapshot-mounts.js'
import type { Store } from './store.js'
import { diskUsage, type Usage } from './usage.js'

/** In a snapshot's directory: the name under which it was committed. */
export const committedFile = 'committed'

export interface SnapshotterParts {
  readonly name: string
  readonly directory: string
  readonly records: SnapshotRecords
  readonly store: Store
  /** Absent: each snapshot is a copy of its parent. */
  readonly overlay: OverlayDefaults | undefined
}

export function usageOf(
  { directory, overlay }: SnapshotterParts,
  { id, kind, chain: [below] }: SnapshotRecord,
  options: CallOptions,
): Promise<Usage> {
  const copied = overlay === undefined && below !== undefined ? join(directory, below, 'fs') : undefined
  return diskUsage(join(directory, id), copied, kind === 'committed', options)
}
/** Was what this active record names committed, by one who died before the key was gone? */
export async function isCommitted({ directory, records }: SnapshotterParts, { id }: SnapshotRecord): Promise<boolean> {
  const name = readSmall(join(directory, id, committedFile))
  // An empty one is what a power failure leaves of a mark whose record was not made.
  return name !== undefined && name !== '' && (await records.find(name))?.id === id
}

/** Throws `not_found`, and `failed_precondition` for one that can still be written. */
export async function parentOf({ records }: SnapshotterParts, name: string): Promise<SnapshotRecord> {
  const found = await records.find(name)
  if (found === undefined) throw absent(name)
  if (found.kind !== 'committed')
    throw new EngineError('failed_precondition', `snapshot "${name}" is not committed: it cannot be a parent`, about(name))
  return found
}
const about = (key: string) => ({ subject: { kind: 'snapshot', id: key } })
export const absent = (key: string): EngineError => new EngineError('not_found', `no snapshot "${key}"`, about(key))
export const taken = (key: string): EngineError => new EngineError('already_exists', `snapshot "${key}" is there already`, about(key))
