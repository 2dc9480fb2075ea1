// Leases keep from collection what is written or found through a held storage. Whose holder is dead is told by its lock.
import { randomUUID } from 'node:crypto'
import type { CallOptions, Closeable } from '../../../model/common.js'
import { isEngineError } from '../../../errors.js'
import { closeable } from '../../../util/closeable.js'
import { Rollback } from '../../../util/rollback.js'
import type { Calls, UnaryOptions } from '../channel.js'
import { Leases } from '../gen/leases_pb.js'
import { gcExpireLabel } from '../../host/gc-labels.js'
import { ours, rootLabel } from '../labels.js'
import { type StorageWire, cleanupMs, diskMs } from './wire.js'

/** A holder that nobody sweeps keeps nothing for longer than this. */
const lifetimeMs = 24 * 3_600_000
const lockOf = (leaseId: string): string => `lease/${leaseId}`

export interface HeldLease extends Closeable {
  readonly id: string
}

export async function takeLease({ calls, rootId, locks }: StorageWire, options: CallOptions): Promise<HeldLease> {
  const id = `pouch-sdk-${randomUUID()}`
  await using undo = new Rollback(({ step, error }) => {
    calls.trace({ kind: 'undo', name: step, error })
  })
  const lock = await locks.acquire(lockOf(id), { signal: options.signal })
  undo.defer(`free the lock of lease "${id}"`, () => lock.close())
  undo.defer(`delete lease "${id}"`, (cleanup) => deleteLease(calls, id, cleanup))
  const expires = new Date(Date.now() + lifetimeMs).toISOString().replace(/\.\d+Z$/, 'Z')
  await calls.unary(
    Leases.method.create,
    { id, labels: { [rootLabel]: rootId, [gcExpireLabel]: expires } },
    { signal: options.signal, subject: { kind: 'lease', id }, waitForAnswer: true },
  )
  undo.keep()
  const close = async (): Promise<void> => {
    try {
      await deleteLease(calls, id, { deadlineMs: cleanupMs })
    } catch (error) {
      calls.trace({ kind: 'undo', name: `delete lease "${id}"`, error }) // found by the sweep: its lock is free
    }
    await lock.close()
  }
  return { id, ...closeable(close) }
}

/** Makes it a resource of the view's lease, if it has one, whether it is there or still to come. Before the look, so that no collection comes between. */
export async function keep(calls: Calls, resource: { readonly type: string; readonly id: string }, { signal }: CallOptions): Promise<void> {
  if (calls.lease === undefined) return
  await calls.unary(Leases.method.addResource, { id: calls.lease, resource }, { signal, subject: { kind: resource.type, id: resource.id } })
}

/** Deletes our root's leases whose holders are dead; a line each. */
export async function sweepLeases({ calls, rootId, locks }: StorageWire, { signal }: CallOptions = {}): Promise<readonly string[]> {
  const { leases } = await calls.unary(Leases.method.list, { filters: [ours(rootId)] }, { signal })
  const swept: string[] = []
  for (const { id } of leases) {
    await using lock = await locks.tryAcquire(lockOf(id), { signal })
    if (lock === undefined) continue
    await deleteLease(calls, id, { signal })
    swept.push(`deleted lease "${id}" of a dead process`)
  }
  return swept
}

/** Resolves when the daemon has removed from its metadata all that nothing keeps. */
export async function collectGarbage({ calls, rootId }: StorageWire, { signal }: CallOptions): Promise<void> {
  const id = `pouch-sdk-collect-${randomUUID()}`
  await using undo = new Rollback(({ step, error }) => {
    calls.trace({ kind: 'undo', name: step, error })
  })
  undo.defer(`delete lease "${id}"`, (cleanup) => deleteLease(calls, id, cleanup))
  await calls.unary(Leases.method.create, { id, labels: { [rootLabel]: rootId } }, { signal, waitForAnswer: true })
  await calls.unary(Leases.method.delete, { id, sync: true }, { signal, deadlineMs: diskMs })
  undo.keep()
}

async function deleteLease(calls: Calls, id: string, options: UnaryOptions): Promise<void> {
  try {
    await calls.unary(Leases.method.delete, { id }, { ...options, subject: { kind: 'lease', id } })
  } catch (error) {
    if (!isEngineError(error, 'not_found')) throw error
  }
}
