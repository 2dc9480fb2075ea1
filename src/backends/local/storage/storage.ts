// The image side of a host without a daemon: files below one directory, shared by all processes on a root.
import { join } from 'node:path'
import type { CallOptions, Closeable } from '../../../model/common.js'
import type { Trace, TraceEntry } from '../../../model/trace.js'
import { EngineError } from '../../../errors.js'
import type { ContentStore } from '../../../ports/engine/content.js'
import type { Locks } from '../../../ports/engine/locks.js'
import type { LayerService, Snapshotter } from '../../../ports/engine/snapshotter.js'
import type { HeldStorage, ImageStore, Storage } from '../../../ports/engine/storage.js'
import { closeable } from '../../../util/closeable.js'
import { fsError } from '../../../util/fs-error.js'
import { FileRecords } from '../../host/file-records.js'
import { Removals } from '../../host/removals.js'
import { collect } from './collect.js'
import { LocalContent } from './content.js'
import { DiskSync } from './disk-sync.js'
import { type Hold, takeHold } from './holds.js'
import { LocalImages, parseImage, parseLabels } from './images.js'
import { LocalLayers } from './layers.js'
import { probeOverlay } from './probe-overlay.js'
import { repairStorage } from './repair.js'
import { SnapshotRecords } from './snapshot-records.js'
import { LocalSnapshotter } from './snapshotter.js'
import type { SnapshotterParts } from './snapshot-parts.js'
import { StorageShell } from './storage-shell.js'
import { Places, type Store } from './store.js'
import { Trash } from './trash.js'

export interface OpenLocalStorageOptions {
  /** Absolute; made if need be, mode 0700. Nothing else may be in it. */
  readonly directory: string
  /** Of our root: who holds `hold/<id>` is alive, and so is its hold. */
  readonly locks: Pick<Locks, 'acquire' | 'tryAcquire'>
  /** Default: its own. */
  readonly removals?: Removals | undefined
  /** Default: overlayfs where it works on that directory, else native, which copies. */
  readonly snapshotter?: 'overlayfs' | 'native' | undefined
  readonly onTrace?: Trace | undefined
  /** For tests of crashes: called before every step that another process can see. */
  readonly beforeStep?: ((step: string) => void | Promise<void>) | undefined
}
export interface LocalStorage extends Storage, Closeable {
  /** What `snapshotter` takes. */
  readonly snapshotterNames: readonly string[]
  /** Why overlayfs is not among them. */
  readonly overlayMissing?: string | undefined
}

/** Throws `failed_precondition` when the snapshotter that was asked for does not work here. */
export async function openLocalStorage(
  { directory, locks, removals: given, snapshotter, onTrace, beforeStep }: OpenLocalStorageOptions,
  options: CallOptions = {},
): Promise<LocalStorage> {
  options.signal?.throwIfAborted()
  const trace = quiet(onTrace)
  const places = new Places(directory)
  try {
    await places.make(['overlayfs', 'native'])
  } catch (error) {
    throw fsError(error, `storage "${directory}"`)
  }
  const labels = new FileRecords({ directory: join(directory, 'blob-labels'), locks, parse: parseLabels, onTrace: trace })
  const names = new FileRecords({ directory: join(directory, 'image-names'), locks, parse: parseImage, onTrace: trace })
  const step = async (name: string): Promise<void> => {
    await beforeStep?.(name)
  }
  const removals = given ?? new Removals(trace)
  const trash = new Trash(places.trash, removals)
  const shell = new StorageShell(directory, places.mounts)
  const store: Store = { places, locks, labels, names, disk: new DiskSync(shell), shell, trash, step, trace }
  const overlay = snapshotter === 'native' ? { works: false as const, why: 'native was asked for' } : await probeOverlay(directory, options)
  if (snapshotter === 'overlayfs' && !overlay.works)
    throw new EngineError('failed_precondition', `overlayfs does not work on "${directory}": ${overlay.why}`)
  const parts = (name: string, defaults: SnapshotterParts['overlay']): SnapshotterParts => {
    const place = places.snapshots(name)
    return { name, directory: place, records: new SnapshotRecords(join(place, 'names')), store, overlay: defaults }
  }
  const all = [...(overlay.works ? [parts('overlayfs', overlay.defaults)] : []), parts('native', undefined)]
  return Object.assign(new FileStorage(store, all), {
    overlayMissing: overlay.works ? undefined : overlay.why,
    // Holds are closed by their holders.
    ...closeable(async () => {
      await Promise.all([store.disk.idle(), given === undefined ? removals.close() : undefined])
      await shell.close()
    }),
  })
}

class FileStorage implements Storage {
  readonly content: ContentStore
  readonly images: ImageStore
  readonly layers: LayerService
  readonly snapshotterNames: readonly string[]
  readonly #store: Store
  readonly #parts: readonly SnapshotterParts[]
  readonly #snapshotters: ReadonlyMap<string, Snapshotter>

  /** The first of `parts` is the default. */
  constructor(store: Store, parts: readonly SnapshotterParts[]) {
    this.content = new LocalContent(store)
    this.images = new LocalImages(store)
    this.layers = new LocalLayers(store)
    this.snapshotterNames = parts.map(({ name }) => name)
    this.#store = store
    this.#parts = parts
    this.#snapshotters = new Map(parts.map((one) => [one.name, new LocalSnapshotter({ ...one, store })]))
  }
  snapshotter(name: string = this.snapshotterNames[0] as string): Snapshotter {
    const found = this.#snapshotters.get(name)
    if (found === undefined)
      throw new EngineError('not_found', `there is no snapshotter "${name}"; there are ${this.snapshotterNames.join(', ')}`)
    return found
  }
  async hold(options: CallOptions = {}): Promise<HeldStorage> {
    options.signal?.throwIfAborted()
    const hold: Hold = await takeHold(this.#store, options)
    const held = new FileStorage({ ...this.#store, hold }, this.#parts)
    return Object.assign(held, { close: () => hold.close(), [Symbol.asyncDispose]: () => hold.close() })
  }
  collect(options: CallOptions = {}): Promise<{ readonly freedBytes: number }> {
    return collect(this.#store, this.#parts, options)
  }
  repair(options: CallOptions = {}): Promise<readonly string[]> {
    return repairStorage(this.#store, this.#parts, options)
  }
}

function quiet(onTrace: Trace | undefined): Trace {
  return (entry: TraceEntry) => {
    try {
      onTrace?.(entry)
    } catch {
      // a tracer's own bug
    }
  }
}
