import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { EngineError } from '../../errors.js'
import type { CallOptions, Descriptor, Digest, Mount } from '../../model/common.js'
import type { ByteSource, ContentStore, WriteOptions } from '../../ports/engine/content.js'
import type { LayerService } from '../../ports/engine/snapshotter.js'
import { digestOf } from './content.js'
import { type MemoryState, mountType } from './state.js'
import { applyTar, diffTar } from './tree-tar.js'
import type { MemorySnapshot } from './state.js'

const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'

export class MemoryLayers implements LayerService {
  readonly #state: MemoryState
  readonly #content: ContentStore

  constructor(state: MemoryState, content: ContentStore) {
    this.#state = state
    this.#content = content
  }
  async apply(layer: Descriptor, target: readonly Mount[], { signal }: CallOptions = {}): Promise<Digest> {
    const parts: Uint8Array[] = []
    for await (const chunk of this.#content.read(layer.digest, { signal })) parts.push(chunk)
    const tar = await unpack(layer, Buffer.concat(parts))
    const snapshot = mounted(this.#state, target)
    if (snapshot.kind !== 'active') throw new EngineError('failed_precondition', `snapshot "${snapshot.key}" is not writable`)
    const tree = await applyTar(snapshot.tree, tar)
    signal?.throwIfAborted()
    const later = snapshot.later === undefined ? undefined : [...snapshot.later, tar]
    this.#state.snapshots.set(snapshot.key, { ...snapshot, tree, later })
    return digestOf(tar)
  }
  async applyStream(layer: Descriptor, bytes: ByteSource, target: readonly Mount[], options: WriteOptions = {}): Promise<Digest> {
    await this.#content.write(layer, bytes, options)
    return this.apply(layer, target, options)
  }
  async diff(lower: readonly Mount[], upper: readonly Mount[], options: CallOptions = {}): Promise<Descriptor> {
    const tar = await diffTar(mounted(this.#state, lower).tree, mounted(this.#state, upper).tree)
    const packed = await promisify(gzip)(tar)
    return this.#content.ingest(layerType, once(packed), options)
  }
}

/** What `mounts` show. Only this storage's own can be shown. */
export function mounted(state: MemoryState, mounts: readonly Mount[]): MemorySnapshot {
  const [mount] = mounts
  const snapshot = mount?.type === mountType ? state.snapshots.get(mount.source) : undefined
  if (snapshot === undefined) throw new EngineError('not_found', `no snapshot is mounted from "${mount?.source ?? ''}"`)
  return snapshot
}

async function unpack({ mediaType, digest }: Descriptor, bytes: Buffer): Promise<Buffer> {
  if (/\.tar$/.test(mediaType)) return bytes
  if (!/\.tar[+.]gzip$/.test(mediaType)) throw new EngineError('unsupported', `layer "${digest}" is of type "${mediaType}"`)
  try {
    return await promisify(gunzip)(bytes)
  } catch (error) {
    throw new EngineError('data_loss', `layer "${digest}" cannot be unpacked: ${(error as Error).message}`, { cause: error })
  }
}
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
