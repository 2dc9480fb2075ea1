import type { CallOptions } from '../../model/common.js'
import type { ImageRecord, ImageStore } from '../../ports/engine/storage.js'
import type { MemoryState } from './state.js'

export class MemoryImages implements ImageStore {
  readonly #state: MemoryState
  constructor(state: MemoryState) {
    this.#state = state
  }
  async find(name: string, options?: CallOptions): Promise<ImageRecord | undefined> {
    options?.signal?.throwIfAborted()
    return this.#state.images.get(name)
  }
  async *list(options?: CallOptions): AsyncGenerator<ImageRecord, void, undefined> {
    for (const image of [...this.#state.images.values()]) {
      options?.signal?.throwIfAborted()
      yield image
    }
  }
  async put(image: ImageRecord, options?: CallOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    this.#state.images.set(image.name, image)
  }
  async delete(name: string, options?: CallOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    this.#state.images.delete(name)
  }
}
