// The image side of a containerd namespace.
import type { CallOptions } from '../../../model/common.js'
import type { ContentStore } from '../../../ports/engine/content.js'
import type { Locks } from '../../../ports/engine/locks.js'
import type { LayerService, Snapshotter } from '../../../ports/engine/snapshotter.js'
import type { HeldStorage, ImageStore, Storage } from '../../../ports/engine/storage.js'
import { EngineError } from '../../../errors.js'
import type { Channel } from '../channel.js'
import { Introspection } from '../gen/introspection_pb.js'
import { collect } from './collect.js'
import { ContainerdContent } from './content.js'
import { ContainerdImages } from './images.js'
import { ContainerdLayers } from './layers.js'
import { sweepLeases, takeLease } from './leases.js'
import { ContainerdSnapshotter } from './snapshotter.js'
import type { StorageWire } from './wire.js'

export interface OpenStorageOptions {
  /** Stays the caller's to close. */
  readonly channel: Channel
  readonly rootId: string
  /** Of our root: who holds `lease/<id>` is alive, and so is its lease. */
  readonly locks: Pick<Locks, 'acquire' | 'tryAcquire'>
  /** The default one. Absent: overlayfs where it works, else native. */
  readonly snapshotterName?: string | undefined
}
export interface ContainerdStorage extends Storage {
  /** What `snapshotter` takes. */
  readonly snapshotterNames: readonly string[]
}

/** Throws `failed_precondition` when the daemon has no usable snapshotter, or not the one asked for. */
export async function openStorage(
  { channel, rootId, locks, snapshotterName }: OpenStorageOptions,
  options: CallOptions = {},
): Promise<ContainerdStorage> {
  const { plugins } = await channel.unary(
    Introspection.method.plugins,
    { filters: ['type==io.containerd.snapshotter.v1'] },
    { signal: options.signal },
  )
  const names = plugins.filter(({ initErr }) => initErr === undefined).map(({ id }) => id)
  const name = snapshotterName ?? ['overlayfs', 'native'].find((one) => names.includes(one))
  if (name === undefined || !names.includes(name)) {
    const failure = plugins.find(({ id }) => id === name)?.initErr?.message
    throw new EngineError(
      'failed_precondition',
      `containerd has no snapshotter "${name ?? 'overlayfs'}"${failure === undefined ? '' : `: ${failure}`}; it has ${names.join(', ')}`,
    )
  }
  return new WireStorage(channel, { calls: channel, unleased: channel, rootId, locks }, name, names)
}

class WireStorage implements ContainerdStorage {
  readonly content: ContentStore
  readonly images: ImageStore
  readonly layers: LayerService
  readonly snapshotterNames: readonly string[]
  readonly #channel: Channel
  readonly #wire: StorageWire
  readonly #defaultName: string
  readonly #snapshotters: ReadonlyMap<string, Snapshotter>

  constructor(channel: Channel, wire: StorageWire, defaultName: string, names: readonly string[]) {
    this.content = new ContainerdContent(wire)
    this.images = new ContainerdImages(wire)
    this.layers = new ContainerdLayers(wire)
    this.snapshotterNames = names
    this.#channel = channel
    this.#wire = wire
    this.#defaultName = defaultName
    this.#snapshotters = new Map(names.map((name) => [name, new ContainerdSnapshotter(name, wire)]))
  }
  snapshotter(name: string = this.#defaultName): Snapshotter {
    const found = this.#snapshotters.get(name)
    if (found === undefined)
      throw new EngineError('not_found', `containerd has no snapshotter "${name}"; it has ${this.snapshotterNames.join(', ')}`)
    return found
  }
  async hold(options: CallOptions = {}): Promise<HeldStorage> {
    const lease = await takeLease(this.#wire, options)
    const held = new WireStorage(
      this.#channel,
      { ...this.#wire, calls: this.#channel.withLease(lease.id) },
      this.#defaultName,
      this.snapshotterNames,
    )
    return Object.assign(held, { close: () => lease.close(), [Symbol.asyncDispose]: () => lease.close() })
  }
  collect(options: CallOptions = {}): Promise<{ readonly freedBytes: number }> {
    return collect(this.#wire, this.content, [...this.#snapshotters.values()], options)
  }
  repair(options?: CallOptions): Promise<readonly string[]> {
    return sweepLeases(this.#wire, options)
  }
}
