// Collection, and how much it has freed: what of ours was there before and is not after.
import type { CallOptions, Digest } from '../../../model/common.js'
import type { ContentStore } from '../../../ports/engine/content.js'
import type { Snapshotter } from '../../../ports/engine/snapshotter.js'
import { isEngineError } from '../../../errors.js'
import { collectGarbage } from './leases.js'
import type { StorageWire } from './wire.js'

export async function collect(
  wire: StorageWire,
  content: ContentStore,
  snapshotters: readonly Snapshotter[],
  options: CallOptions,
): Promise<{ readonly freedBytes: number }> {
  const blobs = new Map<Digest, number>()
  for await (const { digest, size } of content.list(options)) blobs.set(digest, size)
  const committed = await Promise.all(snapshotters.map((one) => committedBytes(one, options)))
  await collectGarbage(wire, options)
  for await (const { digest } of content.list(options)) blobs.delete(digest)
  for (const [index, snapshotter] of snapshotters.entries()) {
    for await (const { key } of snapshotter.list(options)) committed[index]?.delete(key)
  }
  const gone = [blobs, ...committed].flatMap((sizes) => [...sizes.values()])
  return { freedBytes: gone.reduce((sum, bytes) => sum + bytes, 0) }
}

// Of a committed snapshot the daemon knows the size without a walk. An active one is a root, and never collected.
async function committedBytes(snapshotter: Snapshotter, options: CallOptions): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  for await (const { key, kind } of snapshotter.list(options)) {
    if (kind !== 'committed') continue
    try {
      sizes.set(key, (await snapshotter.usage(key, options)).bytes)
    } catch (error) {
      if (!isEngineError(error, 'not_found')) throw error
    }
  }
  return sizes
}
