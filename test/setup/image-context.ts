// An image manager over memory, for tests of its verbs.
import { MemoryLocks } from '../../src/conformance/memory/locks.js'
import { MemoryStorage } from '../../src/conformance/memory/storage.js'
import { MemoryState } from '../../src/conformance/memory/state.js'
import { ImageManager } from '../../src/managers/images.js'
import type { RegistryOptions } from '../../src/registry/options.js'
import type { Storage } from '../../src/ports/engine/storage.js'

export class ImageLab {
  readonly state: MemoryState = new MemoryState()
  readonly storage: MemoryStorage = new MemoryStorage(this.state)
  readonly locks: MemoryLocks = new MemoryLocks()
  /** Container ids by image id. */
  readonly users: Map<string, readonly string[]> = new Map()
  /** `action name-or-id`. */
  readonly events: string[] = []
  readonly failedUndos: unknown[] = []
  readonly images: ImageManager = this.manager()

  /** Another process on the same store. `wrap` stands between it and the store. */
  manager(wrap: (storage: Storage) => Storage = (storage) => storage, registry: RegistryOptions = {}): ImageManager {
    return new ImageManager({
      backend: 'test',
      storage: wrap(new MemoryStorage(this.state)),
      locks: this.locks,
      registry,
      now: () => new Date(0),
      usedBy: async (id) => this.users.get(id) ?? [],
      emit: async (action, { id, name }) => {
        this.events.push(`${action} ${name ?? id}`)
      },
      failedUndo: (failure) => {
        this.failedUndos.push(failure)
      },
    })
  }
  get blobs(): string[] {
    return [...this.state.blobs.keys()]
  }
  get snapshots(): string[] {
    return [...this.state.snapshots.keys()]
  }
  get names(): string[] {
    return [...this.state.images.keys()]
  }
}
