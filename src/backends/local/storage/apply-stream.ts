// One pass over a layer's bytes: into the store, and unpacked, at the same time.
import type { Descriptor, Digest, Mount } from '../../../model/common.js'
import type { ByteSource, WriteOptions } from '../../../ports/engine/content.js'
import { openBlob, readRange } from './blob-file.js'
import { labelUncompressed } from './blob-labels.js'
import { packingOf } from './decompress.js'
import { toTarget } from './snapshot-mounts.js'
import type { Store } from './store.js'
import { unpackLayer } from './unpack-layer.js'
import { type Tap, writeBlob } from './write.js'

/** So much may wait for its unpacking while more is fetched. */
const mostWaiting = 2 << 20

export async function applyStream(
  store: Store,
  place: string,
  layer: Descriptor,
  bytes: ByteSource,
  target: readonly Mount[],
  options: WriteOptions,
): Promise<Digest> {
  const { signal } = options
  const packing = packingOf(layer.mediaType)
  const feed = new Feed()
  await store.step('layer.apply')
  const unpacking = unpackLayer(feed, packing, toTarget(target), { place, signal })
  unpacking.catch((error: unknown) => {
    feed.stop(error)
  })
  try {
    const { wasThere } = await writeBlob(store, layer, bytes, options, feed)
    if (wasThere) await fromStore(store, layer.digest, feed, options)
    feed.end()
    const diffId = await unpacking
    await labelUncompressed(store, layer.digest, diffId, { signal })
    return diffId
  } catch (error) {
    feed.stop(error)
    await unpacking.catch(() => {}) // nothing of it goes on
    throw error
  }
}

async function fromStore(store: Store, digest: Digest, feed: Tap, { signal }: WriteOptions): Promise<void> {
  await using file = await openBlob(store, digest)
  const { size } = await file.stat()
  for await (const chunk of readRange(file, 0, size, { signal })) await feed.push(chunk)
}

/** A queue with a limit between the two sides. */
class Feed implements Tap, AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = []
  #waiting = 0
  #isOver = false
  #failure: { readonly error: unknown } | undefined
  #changed: (() => void)[] = []

  /** The bytes are copied: they may be changed when this has resolved. */
  async push(bytes: Uint8Array): Promise<void> {
    this.#check()
    if (bytes.byteLength === 0) return
    this.#chunks.push(Buffer.from(bytes))
    this.#waiting += bytes.byteLength
    this.#tell()
    while (this.#waiting > mostWaiting) {
      await this.#change()
      this.#check()
    }
  }
  end(): void {
    this.#isOver = true
    this.#tell()
  }
  /** Both sides get the error. */
  stop(error: unknown): void {
    this.#failure ??= { error }
    this.#tell()
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      this.#check()
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        this.#waiting -= chunk.byteLength
        this.#tell()
        yield chunk
      } else if (this.#isOver) return
      else await this.#change()
    }
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed.push(resolve)
    })
  }
  #tell(): void {
    for (const one of this.#changed.splice(0)) one()
  }
}
