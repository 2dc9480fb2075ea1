import { dirname } from 'node:path'
import type { CallOptions, Descriptor, Digest, Mount } from '../../../model/common.js'
import type { LayerService } from '../../../ports/engine/snapshotter.js'
import type { ByteSource, WriteOptions } from '../../../ports/engine/content.js'
import { applyStream } from './apply-stream.js'
import { labelUncompressed } from './blob-labels.js'
import { openBlob, readRange } from './blob-file.js'
import { packingOf, unpacked } from './decompress.js'
import { diffLayer } from './diff-layer.js'
import { toTarget } from './snapshot-mounts.js'
import type { Store } from './store.js'
import { unpackLayer } from './unpack-layer.js'

export class LocalLayers implements LayerService {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  async apply(layer: Descriptor, target: readonly Mount[], { signal }: CallOptions = {}): Promise<Digest> {
    signal?.throwIfAborted()
    const packing = packingOf(layer.mediaType)
    await using file = await openBlob(this.#store, layer.digest)
    const { size } = await file.stat()
    await this.#store.step('layer.apply')
    const to = toTarget(target)
    const diffId = await unpackLayer(await unpacked(readRange(file, 0, size, { signal }), packing), to, {
      shell: this.#store.shell,
      signal,
    })
    this.#store.disk.begin(dirname(to.root))
    await labelUncompressed(this.#store, layer.digest, diffId, { signal })
    return diffId
  }
  applyStream(layer: Descriptor, bytes: ByteSource, target: readonly Mount[], options: WriteOptions = {}): Promise<Digest> {
    return applyStream(this.#store, layer, bytes, target, options)
  }
  diff(lower: readonly Mount[], upper: readonly Mount[], options: CallOptions = {}): Promise<Descriptor> {
    return diffLayer(this.#store, lower, upper, { place: this.#store.places.mounts, signal: options.signal })
  }
}
