import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { CallOptions } from '../model/common.js'
import type { ImageHistoryEntry, ImageInfo } from '../model/image.js'
import type { Backend } from '../ports/backend/backend.js'
import type { PushOptions, RemoveImageOptions, SaveOptions } from '../ports/backend/images.js'
import { checkInput, checkOptional } from './input/check.js'
import { callOptions } from './input/fields.js'
import { imageRef, pushOptions, removeImageOptions, saveOptions } from './input/image.js'

/** A reference to an image by its id: names may move, this does not. */
export class Image {
  /** The digest of its config. */
  readonly id: string
  declare protected readonly backend: Backend

  /** @internal */
  constructor(backend: Backend, id: string) {
    // Whoever prints a handle wants to see what it stands for.
    Object.defineProperty(this, 'backend', { value: backend })
    this.id = id
  }

  async inspect(options?: CallOptions): Promise<ImageInfo> {
    return this.backend.images.get(this.id, checkOptional(callOptions, options, 'inspect'))
  }
  /** Moves the name if another image has it. */
  async tag(name: string, options?: CallOptions): Promise<void> {
    return this.backend.images.tag(this.id, checkInput(imageRef, name, 'tag'), checkOptional(callOptions, options, 'tag'))
  }
  /** With several names it needs `force`. In use by a container: `failed_precondition`. */
  async remove(options?: RemoveImageOptions): Promise<void> {
    return this.backend.images.remove(this.id, checkOptional(removeImageOptions, options, 'remove'))
  }
  /** To `target`, a whole reference, which need not be a name here. */
  async push(target: string, options?: PushOptions): Promise<void> {
    return this.backend.images.push(this.id, checkInput(imageRef, target, 'push'), checkOptional(pushOptions, options, 'push'))
  }
  /** As a tar, to the end of `target`, which is destroyed if this fails. The bytes themselves: `images.save`. */
  async save(target: Writable, options?: SaveOptions): Promise<void> {
    const tar = this.backend.images.save([this.id], checkOptional(saveOptions, options, 'save'))
    try {
      await pipeline(tar, target, { signal: options?.signal })
    } catch (error) {
      options?.signal?.throwIfAborted()
      throw error
    }
  }
  /** Newest first. */
  async history(options?: CallOptions): Promise<readonly ImageHistoryEntry[]> {
    return this.backend.images.history(this.id, checkOptional(callOptions, options, 'history'))
  }
}

/** As `list`, `pull`, `load` and `import` give it: with what was known then. */
export class ListedImage extends Image {
  readonly info: ImageInfo
  /** @internal */
  constructor(backend: Backend, info: ImageInfo) {
    super(backend, info.id)
    this.info = info
  }
}
