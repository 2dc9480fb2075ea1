import { chown, mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../../errors.js'
import type { CallOptions, Mount } from '../../../model/common.js'
import { chainIdLabel, type PrepareOptions, type SnapshotInfo, type Snapshotter } from '../../../ports/engine/snapshotter.js'
import { fsError } from '../../../util/fs-error.js'
import { runProgram } from '../../host/programs.js'
import { newId, type SnapshotRecord } from './snapshot-records.js'
import { nativeMounts, overlayMounts } from './snapshot-mounts.js'
import { removeSnapshot } from './snapshot-remove.js'
import { committedFile, type SnapshotterParts, usageOf } from './snapshot-parts.js'

export class LocalSnapshotter implements Snapshotter {
  readonly name: string
  readonly #parts: SnapshotterParts
  constructor(parts: SnapshotterParts) {
    this.name = parts.name
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
  async commit(name: string, key: string, { signal, labels = {} }: PrepareOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const { records, store, directory } = this.#parts
    await store.hold?.keep({ kind: 'snapshot', snapshotter: this.name, key: name })
    const active = await records.find(key)
    if (active === undefined) throw absent(key)
    if (active.kind !== 'active')
      throw new EngineError('failed_precondition', `snapshot "${key}" is a ${active.kind} one: only what can be written is committed`)
    if ((await records.find(name)) !== undefined) throw taken(name)
    // So that whoever removes a key of the dead sees that its directory is another's already.
    await store.step('snapshot.commit mark')
    await writeFile(join(directory, active.id, committedFile), name, { mode: 0o600 })
    await store.step('snapshot.commit name')
    if (!(await records.create({ ...active, key: name, kind: 'committed', labels }, true))) throw taken(name)
    await store.step('snapshot.commit key')
    await records.delete(key)
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
    { signal, labels = {} }: PrepareOptions,
  ): Promise<readonly Mount[]> {
    signal?.throwIfAborted()
    const { records, store } = this.#parts
    const chainId = labels[chainIdLabel]
    if (chainId !== undefined && (await records.find(chainId)) !== undefined) throw taken(chainId)
    const parent = parentName === undefined ? undefined : await this.#parent(parentName)
    const chain = parent === undefined ? [] : [parent.id, ...parent.chain]
    const record: SnapshotRecord = { key, id: newId(), kind, parent: parentName, chain, labels }
    await store.step(`snapshot.${kind} record`)
    if (!(await records.create(record, false))) throw taken(key)
    try {
      if (parentName !== undefined && (await this.#parent(parentName)).id !== parent?.id) throw absent(parentName)
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
  async #parent(name: string): Promise<SnapshotRecord> {
    const found = await this.#parts.records.find(name)
    if (found === undefined) throw absent(name)
    if (found.kind !== 'committed')
      throw new EngineError('failed_precondition', `snapshot "${name}" is not committed: it cannot be a parent`)
    return found
  }
  async #makeDirectory({ id, kind, chain: [below] }: SnapshotRecord, options: CallOptions): Promise<void> {
    if (kind === 'view') return
    const { directory, overlay } = this.#parts
    const own = join(directory, id)
    await mkdir(own, { mode: 0o700 })
    await mkdir(join(own, 'fs'), { mode: 0o755 })
    if (overlay !== undefined) await mkdir(join(own, 'work'), { mode: 0o711 })
    if (below === undefined) return
    const lower = join(directory, below, 'fs')
    if (overlay === undefined) await runProgram('cp', ['-a', '--reflink=auto', '--', `${lower}/.`, join(own, 'fs')], options)
    else {
      const { uid, gid } = await stat(lower)
      await chown(join(own, 'fs'), uid, gid)
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
const about = (key: string) => ({ subject: { kind: 'snapshot', id: key } })
const absent = (key: string): EngineError => new EngineError('not_found', `no snapshot "${key}"`, about(key))
const taken = (key: string): EngineError => new EngineError('already_exists', `snapshot "${key}" is there already`, about(key))
