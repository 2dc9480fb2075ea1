// Layers into snapshots of any storage.
import type { HeldStorage } from '../../src/ports/engine/storage.js'
import { describeBytes } from './images.js'

const plainLayer = 'application/vnd.oci.image.layer.v1.tar'

/** Each over the one before; resolves with the name of the last. */
export async function unpackAll(storage: HeldStorage, layers: readonly Uint8Array[]): Promise<string> {
  const snapshots = storage.snapshotter()
  let parent: string | undefined
  for (const [index, bytes] of layers.entries()) {
    const descriptor = describeBytes(plainLayer, bytes)
    await storage.content.write(
      descriptor,
      (async function* () {
        yield bytes
      })(),
    )
    const key = `unpacking ${index}`
    await storage.layers.apply(descriptor, await snapshots.prepare(key, parent))
    parent = `layer ${index}`
    await snapshots.commit(parent, key)
  }
  return parent as string
}
