// What every part of the storage works with.
import type { Locks } from '../../../ports/engine/locks.js'
import type { Calls } from '../channel.js'

export interface StorageWire {
  /** With a lease while the storage is held. */
  readonly calls: Calls
  /** Without the lease: for what may outlive the hold. */
  readonly unleased: Calls
  /** Marks what we write. */
  readonly rootId: string
  readonly locks: Pick<Locks, 'acquire' | 'tryAcquire'>
}
/** Cleanup has a deadline of its own, never the caller's signal. */
export const cleanupMs = 10_000
/** What walks or frees a disk may take long. */
export const diskMs = 600_000
