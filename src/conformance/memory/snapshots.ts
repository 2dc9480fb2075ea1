import { EngineError } from '../../errors.js'
import type { CallOptions, Mount } from '../../model/common.js'
import {
  type CommitOptions,
  type PrepareOptions,
  type SnapshotInfo,
  type Snapshotter,
  chainIdLabel,
} from '../../ports/engine/snapshotter.js'
import { type Lease, type MemorySnapshot, type MemoryState, mountOf } from './state.js'
import { emptyTree, sameEntry, sizeOf } from './tree.js'
import { applyTar } from './tree-tar.js'

export class MemorySnapshotter implements Snapshotter {
  readonly name: string = 'memory'
  readonly parentLater: boolean = true
  readonly #state: MemoryState
  readonly #lease: Lease | undefined

  constructor(state: MemoryState, lease: Lease | undefined) {
    this.#state = state
    this.#lease = lease
  }
  async prepare(key: string, parent: string | undefined, options?: PrepareOptions): Promise<readonly Mount[]> {
    return this.#create('active', key, parent, options)
  }
  async view(key: string, parent: string, options?: PrepareOptions): Promise<readonly Mount[]> {
    return this.#create('view', key, parent, options)
  }
  async mounts(key: string, options?: CallOptions): Promise<readonly Mount[]> {
    options?.signal?.throwIfAborted()
    const snapshot = this.#get(key)
    if (snapshot.kind === 'committed') throw new EngineError('failed_precondition', `snapshot "${key}" is committed`)
    return mountOf(snapshot)
  }
  async commit(name: string, key: string, options: CommitOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const snapshot = this.#get(key)
    if (this.#state.snapshots.has(name)) throw new EngineError('already_exists', `snapshot "${name}" is there already`)
    if (snapshot.kind !== 'active') throw new EngineError('failed_precondition', `snapshot "${key}" is not writable`)
    const { later, ...whole } = await this.#withParent(snapshot, options.parent)
    this.#state.snapshots.delete(key)
    this.#add({ ...whole, key: name, kind: 'committed', labels: options.labels ?? {} })
  }
  async find(key: string, options?: CallOptions): Promise<SnapshotInfo | undefined> {
    options?.signal?.throwIfAborted()
    const snapshot = this.#state.snapshots.get(key)
    if (snapshot === undefined) return undefined
    this.#lease?.snapshots.add(key)
    return infoOf(snapshot)
  }
  async remove(key: string, options?: CallOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    const child = [...this.#state.snapshots.values()].find(({ parent }) => parent === key)
    if (child !== undefined) throw new EngineError('failed_precondition', `snapshot "${key}" has the child "${child.key}"`)
    this.#state.snapshots.delete(key)
  }
  async usage(key: string, options?: CallOptions): Promise<{ readonly bytes: number; readonly inodes: number }> {
    options?.signal?.throwIfAborted()
    return usageOf(this.#state, this.#get(key))
  }
  async *list(options?: CallOptions): AsyncGenerator<SnapshotInfo, void, undefined> {
    for (const snapshot of [...this.#state.snapshots.values()]) {
      options?.signal?.throwIfAborted()
      yield infoOf(snapshot)
    }
  }

  #create(
    kind: 'active' | 'view',
    key: string,
    parent: string | undefined,
    { labels = {}, parentLater = false, signal }: PrepareOptions = {},
  ): readonly Mount[] {
    signal?.throwIfAborted()
    const chain = labels[chainIdLabel]
    if (chain !== undefined && this.#state.snapshots.has(chain))
      throw new EngineError('already_exists', `snapshot "${chain}" is there already`)
    if (this.#state.snapshots.has(key)) throw new EngineError('already_exists', `snapshot "${key}" is there already`)
    if (parentLater && parent !== undefined) throw new EngineError('invalid_argument', `snapshot "${key}" has a parent already`)
    const below = parent === undefined ? undefined : this.#parent(parent)
    const later = parentLater ? [] : undefined
    return mountOf(this.#add({ key, parent, kind, labels, tree: below?.tree ?? emptyTree, later }))
  }
  async #withParent(snapshot: MemorySnapshot, parent: string | undefined): Promise<MemorySnapshot> {
    if ((snapshot.later === undefined) !== (parent === undefined))
      throw new EngineError('invalid_argument', `snapshot "${snapshot.key}": a parent is told at commit where that was said before`)
    if (parent === undefined) return snapshot
    let { tree } = this.#parent(parent)
    for (const layer of snapshot.later ?? []) tree = await applyTar(tree, layer)
    return { ...snapshot, parent, tree }
  }
  #parent(key: string): MemorySnapshot {
    const below = this.#get(key)
    if (below.kind !== 'committed') throw new EngineError('invalid_argument', `snapshot "${key}" is not committed`)
    return below
  }
  #add(snapshot: MemorySnapshot): MemorySnapshot {
    this.#state.snapshots.set(snapshot.key, snapshot)
    this.#lease?.snapshots.add(snapshot.key)
    return snapshot
  }
  #get(key: string): MemorySnapshot {
    const snapshot = this.#state.snapshots.get(key)
    if (snapshot === undefined) throw new EngineError('not_found', `no snapshot "${key}"`, { subject: { kind: 'snapshot', id: key } })
    return snapshot
  }
}

export function usageOf(state: MemoryState, { parent, tree }: MemorySnapshot): { readonly bytes: number; readonly inodes: number } {
  const below = (parent === undefined ? undefined : state.snapshots.get(parent)?.tree) ?? new Map()
  let bytes = 0
  let inodes = 0
  for (const [path, entry] of tree) {
    const lower = below.get(path)
    if (lower !== undefined && sameEntry(lower, entry)) continue
    bytes += sizeOf(entry)
    inodes++
  }
  return { bytes, inodes }
}
function infoOf({ key, parent, kind, labels }: MemorySnapshot): SnapshotInfo {
  return { key, kind, labels, ...(parent !== undefined && { parent }) }
}
