// One pass over a layer's bytes: into the store, and unpacked, at the same time.
import { dirname } from 'node:path'
import { type Duplex, PassThrough } from 'node:stream'
import type { Descriptor, Digest, Mount } from '../../../model/common.js'
import type { ByteSource, WriteOptions } from '../../../ports/engine/content.js'
import { pieces } from '../../../util/pieces.js'
import { openBlob, readRange } from './blob-file.js'
import { labelUncompressed } from './blob-labels.js'
import { openUnpacker, packingOf, toDamage } from './decompress.js'
import type { Tap } from './part-file.js'
import { toTarget } from './snapshot-mounts.js'
import type { Store } from './store.js'
import { unpackLayer } from './unpack-layer.js'
import { writeBlob } from './write.js'

export async function applyStream(
  store: Store,
  layer: Descriptor,
  bytes: ByteSource,
  target: readonly Mount[],
  options: WriteOptions,
): Promise<Digest> {
  const { signal } = options
  const packing = packingOf(layer.mediaType)
  const feed = new Feed(await openUnpacker(packing))
  await store.step('layer.apply')
  const to = toTarget(target)
  const unpacking = unpackLayer(feed.plain, to, { shell: store.shell, signal })
  unpacking.catch((error: unknown) => {
    feed.stop(error)
  })
  try {
    const { wasThere } = await writeBlob(store, layer, bytes, options, feed)
    if (wasThere) await fromStore(store, layer.digest, feed, options)
    feed.end()
    const diffId = await unpacking
    store.disk.begin(dirname(to.root))
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

/** What is pushed comes out without its packing. */
class Feed implements Tap {
  readonly #stream: Duplex
  readonly #isPacked: boolean
  readonly #stopped: Promise<never>
  #stop: (error: unknown) => void = () => {}

  constructor(unpacker: Duplex | undefined) {
    this.#stream = unpacker ?? new PassThrough()
    this.#isPacked = unpacker !== undefined
    this.#stopped = new Promise((_, reject) => {
      this.#stop = reject
    })
    this.#stopped.catch(() => {})
    this.#stream.on('error', (error) => {
      this.#stop(toDamage(error))
    })
  }
  get plain(): AsyncIterable<Uint8Array> {
    return pieces(this.#stream)
  }
  async push(bytes: Uint8Array): Promise<void> {
    const written = new Promise<void>((resolve) => {
      // What only passes through is used for longer.
      this.#stream.write(this.#isPacked ? bytes : Buffer.from(bytes), () => {
        resolve()
      })
    })
    await Promise.race([written, this.#stopped])
  }
  end(): void {
    this.#stream.end()
  }
  /** Both sides get the error. */
  stop(error: unknown): void {
    this.#stop(error)
    this.#stream.destroy(error instanceof Error ? error : new Error(String(error)))
  }
}
