// What a pull that was killed has left of its unpacking. Its blobs and lease are the storage's affair.
import type { CallOptions } from '../../model/common.js'
import type { Locks } from '../../ports/engine/locks.js'
import type { Storage } from '../../ports/engine/storage.js'
import { unpackLock, unpackOwner } from './unpack.js'

/** Removes half-unpacked layers of dead processes; a line each. Touches no live one's. Idempotent. */
export async function repairUnpacking(
  { storage, locks }: { readonly storage: Pick<Storage, 'snapshotter'>; readonly locks: Pick<Locks, 'tryAcquire'> },
  options: CallOptions = {},
): Promise<readonly string[]> {
  const snapshotter = storage.snapshotter()
  const begun: { readonly key: string; readonly owner: string }[] = []
  for await (const { key, kind } of snapshotter.list(options)) {
    const owner = kind === 'active' ? unpackOwner(key) : undefined
    if (owner !== undefined) begun.push({ key, owner })
  }
  const lines: string[] = []
  for (const { key, owner } of begun) {
    const lock = await locks.tryAcquire(unpackLock(owner), options)
    if (lock === undefined) continue
    await using _dead = lock
    await snapshotter.remove(key, options)
    lines.push(`removed the half-unpacked layer "${key}"`)
  }
  return lines
}
