// A hold is a directory with an empty file for each thing that it keeps. Whose holder is dead is told by its lock.
import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallOptions, Closeable } from '../../../model/common.js'
import { closeable } from '../../../util/closeable.js'
import { encodeFileName } from '../../../util/file-name.js'
import { fsError, hasErrno } from '../../../util/fs-error.js'
import { Rollback } from '../../../util/rollback.js'
import { type Kept, keepLock, type Store } from './store.js'

/** As a file's name: long ones have no way back, so that candidates are looked up and not listed. */
export function keptName(kept: Kept): string {
  return kept.kind === 'blob' ? `blob,${encodeFileName(kept.digest)}` : `${encodeFileName(kept.snapshotter)},${encodeFileName(kept.key)}`
}

export class Hold implements Closeable {
  readonly #directory: string
  readonly #closing: Closeable
  readonly #known: Set<string> = new Set()
  constructor(directory: string, close: () => Promise<void>) {
    this.#directory = directory
    this.#closing = closeable(close)
  }
  /** Before the look or the deed, so that no collection comes between. Whether it is there, or still to come. */
  async keep(kept: Kept): Promise<void> {
    const name = keptName(kept)
    if (this.#known.has(name)) return
    try {
      await using _file = await open(join(this.#directory, name), 'w', 0o600)
    } catch (error) {
      throw fsError(error, 'hold')
    }
    this.#known.add(name)
  }
  close(): Promise<void> {
    return this.#closing.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing.close()
  }
}
const lockOf = (id: string): string => `hold/${id}`

export async function takeHold(store: Store, { signal }: CallOptions): Promise<Hold> {
  const { locks, places } = store
  const id = randomUUID()
  const directory = join(places.holds, id)
  await using undo = new Rollback(({ step, error }) => {
    store.trace({ kind: 'undo', name: step, error })
  })
  const lock = await locks.acquire(lockOf(id), { signal })
  undo.defer(`free the lock of hold "${id}"`, () => lock.close())
  await store.step('hold.take')
  try {
    await mkdir(directory, { mode: 0o700 })
  } catch (error) {
    throw fsError(error, 'hold')
  }
  undo.keep()
  return new Hold(directory, async () => {
    try {
      await drop(store, id)
    } catch (error) {
      store.trace({ kind: 'undo', name: `end hold "${id}"`, error }) // found by repair: its lock is free
    }
    await lock.close()
  })
}

/** Ends holds whose holders are dead; a line each. */
export async function sweepHolds(store: Store, options: CallOptions): Promise<readonly string[]> {
  const swept: string[] = []
  for (const id of await readdir(store.places.holds)) {
    await using lock = await store.locks.tryAcquire(lockOf(id), options)
    if (lock === undefined) continue
    await drop(store, id, options)
    swept.push(`ended hold "${id}" of a dead process`)
  }
  return swept
}

/** What all holds keep, of the dead ones, too. */
export async function heldNames({ places }: Store): Promise<ReadonlySet<string>> {
  const names = new Set<string>()
  for (const id of await readdir(places.holds)) {
    for (const name of await entriesOf(join(places.holds, id))) names.add(name)
  }
  return names
}
async function entriesOf(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return []
    throw error
  }
}

/** Not while a collection looks: what goes from a hold to a name would be seen in neither. */
async function drop(store: Store, id: string, options: CallOptions = {}): Promise<void> {
  await using _keep = await store.locks.acquire(keepLock, options)
  await store.step('hold.end')
  await rm(join(store.places.holds, id), { recursive: true, force: true })
}
