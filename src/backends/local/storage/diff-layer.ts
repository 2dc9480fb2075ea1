// What a snapshot has changed, as a layer. Of overlayfs that is its upper directory; else two trees are compared.
import { pipeline, Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import type { Descriptor, Digest, Mount } from '../../../model/common.js'
import { hashing } from '../../../oci/digest.js'
import { mediaTypes } from '../../../oci/media-types.js'
import { type ClosedTreeOptions, openClosedTree } from './closed-tree.js'
import { labelUncompressed } from './blob-labels.js'
import { changes } from './changes.js'
import { ingestBlob } from './ingest.js'
import { packLayer, whiteoutOf } from './pack-layer.js'
import { type LayerTarget, toTarget } from './snapshot-mounts.js'
import type { Store } from './store.js'
import { archiveEnd } from './tar/write.js'

export async function diffLayer(
  store: Store,
  lower: readonly Mount[],
  upper: readonly Mount[],
  options: ClosedTreeOptions,
): Promise<Descriptor> {
  const { signal } = options
  signal?.throwIfAborted()
  let diffId: Digest | undefined
  const plain = hashing(packed(lower, upper, options), 'sha256', (digest) => {
    diffId = digest
  })
  const gzip = zlib.createGzip()
  // Its errors come out of the iteration.
  pipeline(Readable.from(plain, { objectMode: false }), gzip, () => {})
  await store.step('layer.diff')
  const descriptor = await ingestBlob(store, mediaTypes.ociLayerGzip, gzip, { signal })
  await labelUncompressed(store, descriptor.digest, diffId as Digest, { signal })
  return descriptor
}

async function* packed(
  lower: readonly Mount[],
  upper: readonly Mount[],
  options: ClosedTreeOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const changed = toTarget(upper)
  if (isOver(changed, lower)) yield* packLayer(changed.root, undefined, options)
  else {
    await using before = lower.length === 0 ? undefined : await openClosedTree(lower, options)
    await using after = await openClosedTree(upper, options)
    const names: string[] = []
    const deleted: string[] = []
    for await (const { path, kind } of changes(before?.root ?? '/proc/self/fdinfo/none', after.root, options)) {
      if (kind === 'deleted') deleted.push(path)
      else names.push(path)
    }
    yield* packLayer(after.root, withParents(names, deleted), { place: undefined, signal: options.signal })
    for (const path of deleted) yield whiteoutOf(path)
  }
  yield archiveEnd
}

/** Is `upper` a child of exactly these? Then its upper directory has all that was changed. */
function isOver({ lowers, isOverlay }: LayerTarget, lower: readonly Mount[]): boolean {
  if (lower.length === 0 || !isOverlay) return lower.length === 0 && lowers.length === 0
  const below = toTarget(lower)
  const chain = [below.root, ...below.lowers]
  return chain.length === lowers.length && chain.every((one, index) => one === lowers[index])
}

function withParents(names: readonly string[], deleted: readonly string[]): readonly string[] {
  const all = new Set<string>()
  for (const path of [...names, ...deleted]) {
    const parts = path.split('/')
    for (let length = 1; length < parts.length; length++) all.add(parts.slice(0, length).join('/'))
  }
  for (const path of names) all.add(path)
  return [...all].sort()
}
