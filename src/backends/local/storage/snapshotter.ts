import { chownSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError } from '../../../errors.js'
import type { CallOptions, Mount } from '../../../model/common.js'
import {
  chainIdLabel,
  type CommitOptions,
  type PrepareOptions,
  type SnapshotInfo,
  type Snapshotter,
} from '../../../ports/engine/snapshotter.js'
import { fsError } from '../../../util/fs-error.js'
import { runProgram } from '../../host/programs.js'
import { newId, type SnapshotRecord } from './snapshot-records.js'
import { later, nativeMounts, overlayMounts } from './snapshot-mounts.js'
import { removeSnapshot } from './snapshot-remove.js'
import { commitSnapshot } from './snapshot-commit.js'
import { absent, parentOf, type SnapshotterParts, taken, usageOf } from './snapshot-parts.js'

export class LocalSnapshotter implements Snapshotter {
  readonly name: string
  readonly parentLater: boolean
  readonly #parts: SnapshotterParts
  constructor(parts: SnapshotterParts) {
    this.name = parts.name
    this.parentLater = parts.overlay !== undefined
    this.#parts = parts
  }

  prepare(key: string, parent: string | undefined, options: PrepareOptions = {}): Promise<readonly Mount[]> {
    return this.#begin(key, parent, 'active', options)
  }
  view(key: string, parent: string, options: PrepareOptions = {}): Promise<readonly Mount[]> {
    return this.#begin(key, parent, 'view', options)
  }
  async mounts(key: string, { signal }: CallOptions = {}): Promise<readonly Mount[]> {
    signal?.throwIfAborted()
    const record = await this.#parts.records.find(key)
    if (record === undefined || record.kind === 'committed') throw absent(key)
    return this.#mounts(record)
  }
  commit(name: string, key: string, options: CommitOptions = {}): Promise<void> {
    return commitSnapshot(this.#parts, name, key, options)
  }
  async find(key: string, { signal }: CallOptions = {}): Promise<SnapshotInfo | undefined> {
    signal?.throwIfAborted()
    await this.#parts.store.hold?.keep({ kind: 'snapshot', snapshotter: this.name, key })
    const record = await this.#parts.records.find(key)
    return record === undefined ? undefined : toInfo(record)
  }
  remove(key: string, options: CallOptions = {}): Promise<void> {
    return removeSnapshot(this.#parts, key, options)
  }
  async usage(key: string, options: CallOptions = {}): Promise<{ readonly bytes: number; readonly inodes: number }> {
    options.signal?.throwIfAborted()
    const record = await this.#parts.records.find(key)
    if (record === undefined) throw absent(key)
    if (record.kind === 'view') return { bytes: 0, inodes: 0 }
    return usageOf(this.#parts, record, options)
  }
  async *list({ signal }: CallOptions = {}): AsyncGenerator<SnapshotInfo, void, undefined> {
    signal?.throwIfAborted()
    for await (const record of this.#parts.records.list()) {
      signal?.throwIfAborted()
      yield toInfo(record)
    }
  }

  /**
   * The record comes first, so that no directory is without one. Then the parent is looked at again: whoever removes it
   * has hidden it before looking for children, so that one of the two sees the other.
   */
  async #begin(
    key: string,
    parentName: string | undefined,
    kind: 'active' | 'view',
    { signal, labels = {}, parentLater = false }: PrepareOptions,
  ): Promise<readonly Mount[]> {
    signal?.throwIfAborted()
    const { records, store } = this.#parts
    if (parentLater && this.#parts.overlay === undefined)
      throw new EngineError('unsupported', `snapshot "${key}" is a copy of its parent, which must be known when it is prepared`)
    if (parentLater && parentName !== undefined) throw new EngineError('invalid_argument', `snapshot "${key}" has a parent already`)
    const chainId = labels[chainIdLabel]
    if (chainId !== undefined && (await records.find(chainId)) !== undefined) throw taken(chainId)
    const parent = parentName === undefined ? undefined : await parentOf(this.#parts, parentName)
    const chain = parent === undefined ? [] : [parent.id, ...parent.chain]
    const record: SnapshotRecord = { key, id: newId(), kind, parent: parentName, chain, labels, ...(parentLater && { parentLater }) }
    await store.step(`snapshot.${kind} record`)
    if (!(await records.create(record, false))) throw taken(key)
    try {
      if (parentName !== undefined && (await parentOf(this.#parts, parentName)).id !== parent?.id) throw absent(parentName)
      await store.step(`snapshot.${kind} directory`)
      signal?.throwIfAborted()
      await this.#makeDirectory(record, { signal })
    } catch (error) {
      await removeSnapshot(this.#parts, key, {}).catch((failure: unknown) => {
        store.trace({ kind: 'undo', name: `remove snapshot "${key}"`, error: failure })
      })
      throw fsError(error, `snapshot "${key}"`)
    }
    return this.#mounts(record)
  }
  async #makeDirectory({ id, kind, chain: [below], parentLater }: SnapshotRecord, options: CallOptions): Promise<void> {
    if (kind === 'view') return
    const { directory, overlay } = this.#parts
    const own = join(directory, id)
    mkdirSync(own, { mode: 0o700 })
    mkdirSync(join(own, 'fs'), { mode: 0o755 })
    if (overlay !== undefined) mkdirSync(join(own, 'work'), { mode: 0o711 })
    if (parentLater === true) mkdirSync(join(own, later), { mode: 0o700 })
    if (below === undefined) return
    const lower = join(directory, below, 'fs')
    if (overlay === undefined) await runProgram('cp', ['-a', '--reflink=auto', '--', `${lower}/.`, join(own, 'fs')], options)
    else {
      const { uid, gid } = statSync(lower)
      chownSync(join(own, 'fs'), uid, gid)
    }
  }
  #mounts(record: SnapshotRecord): readonly Mount[] {
    const { directory, overlay } = this.#parts
    return overlay === undefined ? nativeMounts(directory, record) : overlayMounts(directory, overlay, record)
  }
}

const toInfo = ({ key, kind, parent, labels }: SnapshotRecord): SnapshotInfo => ({
  key,
  kind,
  labels,
  ...(parent === undefined ? {} : { parent }),
})
