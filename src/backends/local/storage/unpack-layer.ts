// From a layer's packed bytes to files: unpacked, hashed, rewritten and handed to tar, all at once.
import { opendir, writeFile } from 'node:fs/promises'
import type { CallOptions, Digest } from '../../../model/common.js'
import { hashing } from '../../../oci/digest.js'
import { toDamage } from './decompress.js'
import { finishLayer, isFinished } from './finish-layer.js'
import { LayerPlace } from './layer-place.js'
import { LayerTree } from './layer-tree.js'
import type { LayerTarget } from './snapshot-mounts.js'
import type { StorageShell } from './storage-shell.js'
import { paddingOf } from './tar/entry.js'
import { TarExtract } from './tar/extract.js'
import { endsEarly, TarInput } from './tar/input.js'
import { readEntry } from './tar/read.js'
import { TarSink } from './tar-sink.js'
import { dropCounted, noteCounted } from './usage.js'

export interface UnpackLayerOptions extends CallOptions {
  readonly shell: StorageShell
}

/** `bytes` are no longer packed. Resolves with their digest. An abort ends it no later than they end. */
export async function unpackLayer(bytes: AsyncIterable<Uint8Array>, target: LayerTarget, options: UnpackLayerOptions): Promise<Digest> {
  const { signal, shell } = options
  let diffId: Digest | undefined
  const hashed = hashing(bytes, 'sha256', (digest) => {
    diffId = digest
  })
  await using input = new TarInput(hashed)
  await using sink = new TarSink(() => TarExtract.start(shell, target.root, { signal }))
  const wasEmpty = await isEmpty(target.root)
  const tree = new LayerTree(target.root, { isEmpty: wasEmpty, hasWhiteouts: target.isOverlay })
  if (!wasEmpty) await dropCounted(target.root)
  const place = new LayerPlace(target, tree, sink)
  try {
    for (let entry = await readEntry(input); entry !== undefined; entry = await readEntry(input)) {
      const isWanted = await place.place(entry)
      await copyBytes(input, isWanted ? sink : undefined, entry.size)
    }
    await input.drain()
    await sink.cut()
    // Linked files of lower layers are copied, and nobody knows their size yet.
    if (wasEmpty && place.unfinished.links.length === 0) await noteCounted(target.root, tree)
    if (target.unfinishedPath === undefined) await finishLayer(place.unfinished, target.lowers, sink, shell, options)
    else if (!isFinished(place.unfinished)) await writeFile(target.unfinishedPath, JSON.stringify(place.unfinished), { mode: 0o600 })
    await sink.cut()
  } catch (error) {
    signal?.throwIfAborted()
    throw toDamage(error)
  }
  return diffId as Digest
}

/** With the padding. */
async function copyBytes(input: TarInput, sink: TarSink | undefined, size: number): Promise<void> {
  for (let rest = size + paddingOf(size); rest > 0; ) {
    const part = input.trySome(rest) ?? (await input.some(rest))
    if (part === undefined) throw endsEarly()
    rest -= part.length
    const wait = sink?.bytes(part)
    if (wait !== undefined) await wait
  }
}

async function isEmpty(directory: string): Promise<boolean> {
  for await (const _entry of await opendir(directory)) return false
  return true
}
