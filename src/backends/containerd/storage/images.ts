import type { CallOptions, Descriptor, Digest } from '../../../model/common.js'
import type { ImageRecord, ImageStore } from '../../../ports/engine/storage.js'
import { isEngineError } from '../../../errors.js'
import type { UnaryOptions } from '../channel.js'
import { type Image, Images } from '../gen/images_pb.js'
import { ours, rootLabel, withoutOurs } from '../labels.js'
import { toDescriptor, toWireDescriptor } from './convert.js'
import type { StorageWire } from './wire.js'

/** Names are one space for all clients of a namespace: `find` and `delete` see all of it, `list` what bears our mark. */
export class ContainerdImages implements ImageStore {
  readonly #wire: StorageWire
  constructor(wire: StorageWire) {
    this.#wire = wire
  }

  async find(name: string, options?: CallOptions): Promise<ImageRecord | undefined> {
    try {
      const { image } = await this.#wire.calls.unary(Images.method.get, { name }, about(name, options))
      return image === undefined ? undefined : toRecord(image)
    } catch (error) {
      if (isEngineError(error, 'not_found')) return undefined
      throw error
    }
  }
  async *list({ signal }: CallOptions = {}): AsyncGenerator<ImageRecord, void, undefined> {
    const { images } = await this.#wire.calls.unary(Images.method.list, { filters: [ours(this.#wire.rootId)] }, { signal })
    yield* images.map(toRecord)
  }
  async put({ name, target, labels }: ImageRecord, options?: CallOptions): Promise<void> {
    const { calls, rootId } = this.#wire
    const image = { name, target: toWireDescriptor(target), labels: { ...labels, [rootLabel]: rootId } }
    for (;;) {
      try {
        await calls.unary(Images.method.create, { image }, { ...about(name, options), waitForAnswer: true })
        return
      } catch (error) {
        if (!isEngineError(error, 'already_exists')) throw error
      }
      try {
        const change = { image, updateMask: { paths: ['target', 'labels'] } }
        await calls.unary(Images.method.update, change, { ...about(name, options), waitForAnswer: true })
        return
      } catch (error) {
        if (!isEngineError(error, 'not_found')) throw error // deleted in between: create it again
      }
    }
  }
  async delete(name: string, options?: CallOptions): Promise<void> {
    try {
      await this.#wire.calls.unary(Images.method.delete, { name }, about(name, options))
    } catch (error) {
      if (!isEngineError(error, 'not_found')) throw error
    }
  }
}

const about = (name: string, options: CallOptions = {}): UnaryOptions => ({ signal: options.signal, subject: { kind: 'image', id: name } })
const none: Descriptor = { mediaType: '', digest: '' as Digest, size: 0 }
const toRecord = ({ name, target, labels }: Image): ImageRecord => ({
  name,
  target: target === undefined ? none : toDescriptor(target),
  labels: withoutOurs(labels),
})
