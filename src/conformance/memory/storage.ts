// Storage without a disk: for the suites, and for whoever tests code above it.
import type { CallOptions, Mount } from '../../model/common.js'
import { EngineError } from '../../errors.js'
import type { MountedTree } from '../../ports/engine/host.js'
import type { HeldStorage, Storage } from '../../ports/engine/storage.js'
import { closeable } from '../../util/closeable.js'
import { MemoryContent } from './content.js'
import { MemoryImages } from './images.js'
import { MemoryLayers, mounted } from './layers.js'
import { MemorySnapshotter, usageOf } from './snapshots.js'
import { type Lease, MemoryState } from './state.js'

/** One process's view of a store. Two views of one state stand for two processes. */
export class MemoryStorage implements Storage {
  readonly content: MemoryContent
  readonly images: MemoryImages
  readonly layers: MemoryLayers
  readonly #state: MemoryState
  readonly #snapshotter: MemorySnapshotter
  readonly #process: { alive: boolean }

  constructor(state: MemoryState = new MemoryState(), lease?: Lease, process: { alive: boolean } = { alive: true }) {
    this.#state = state
    this.#process = process
    this.content = new MemoryContent(state, lease)
    this.images = new MemoryImages(state)
    this.layers = new MemoryLayers(state, this.content)
    this.#snapshotter = new MemorySnapshotter(state, lease)
  }
  snapshotter(name: string = this.#snapshotter.name): MemorySnapshotter {
    if (name !== this.#snapshotter.name) throw new EngineError('not_found', `no snapshotter "${name}"`)
    return this.#snapshotter
  }
  async hold({ signal }: CallOptions = {}): Promise<HeldStorage> {
    signal?.throwIfAborted()
    const process = this.#process
    const lease: Lease = { blobs: new Set(), snapshots: new Set(), isDead: () => !process.alive }
    this.#state.leases.add(lease)
    const close = closeable(async () => {
      this.#state.leases.delete(lease)
    })
    return Object.assign(new MemoryStorage(this.#state, lease, process), close)
  }
  async collect({ signal }: CallOptions = {}): Promise<{ readonly freedBytes: number }> {
    signal?.throwIfAborted()
    return { freedBytes: this.#state.collect((snapshot) => usageOf(this.#state, snapshot).bytes) }
  }
  async repair({ signal }: CallOptions = {}): Promise<readonly string[]> {
    signal?.throwIfAborted()
    const dead = [...this.#state.leases].filter((lease) => lease.isDead())
    for (const lease of dead) this.#state.leases.delete(lease)
    return dead.map(() => 'freed the hold of a dead process')
  }
  /** As real files, for a `Host` that mounts nothing. What is changed there is in the snapshot when the last user has closed it. */
  tree(mounts: readonly Mount[], { signal }: CallOptions = {}): Promise<MountedTree> {
    const { key } = mounted(this.#state, mounts)
    return this.#state.trees.open(
      key,
      {
        read: () => mounted(this.#state, mounts).tree,
        write: (tree) => {
          const now = this.#state.snapshots.get(key)
          if (now?.kind === 'active') this.#state.snapshots.set(key, { ...now, tree })
        },
      },
      signal,
    )
  }
  /** For tests: this process is gone, without having closed anything. */
  die(): void {
    this.#process.alive = false
  }
}
