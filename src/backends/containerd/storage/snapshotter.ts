import type { CallOptions, Labels, Mount } from '../../../model/common.js'
import type { CommitOptions, PrepareOptions, SnapshotInfo, Snapshotter } from '../../../ports/engine/snapshotter.js'
import { EngineError, isEngineError } from '../../../errors.js'
import type { UnaryOptions } from '../channel.js'
import { type Info, Kind, Snapshots } from '../gen/snapshots_pb.js'
import { gcRootLabel } from '../../host/gc-labels.js'
import { ours, rootLabel, withoutOurs } from '../labels.js'
import { toMount } from './convert.js'
import { keep } from './leases.js'
import { type StorageWire, diskMs } from './wire.js'

export class ContainerdSnapshotter implements Snapshotter {
  readonly name: string
  readonly #wire: StorageWire
  constructor(name: string, wire: StorageWire) {
    this.name = name
    this.#wire = wire
  }

  async prepare(key: string, parent: string | undefined, options: PrepareOptions = {}): Promise<readonly Mount[]> {
    if (options.parentLater === true)
      throw new EngineError('unsupported', `snapshot "${key}": containerd has to know the parent when it is prepared`)
    const request = { snapshotter: this.name, key, parent: parent ?? '', labels: this.#rooted(options.labels) }
    return (await this.#wire.calls.unary(Snapshots.method.prepare, request, making(key, options))).mounts.map(toMount)
  }
  async view(key: string, parent: string, options: PrepareOptions = {}): Promise<readonly Mount[]> {
    const request = { snapshotter: this.name, key, parent, labels: this.#rooted(options.labels) }
    return (await this.#wire.calls.unary(Snapshots.method.view, request, making(key, options))).mounts.map(toMount)
  }
  async mounts(key: string, options?: CallOptions): Promise<readonly Mount[]> {
    return (await this.#wire.calls.unary(Snapshots.method.mounts, { snapshotter: this.name, key }, about(key, options))).mounts.map(toMount)
  }
  /** The daemon carries no label over, so the committed one is no root of collection. */
  async commit(name: string, key: string, options: CommitOptions = {}): Promise<void> {
    const labels = { ...options.labels, [rootLabel]: this.#wire.rootId }
    await this.#wire.calls.unary(Snapshots.method.commit, { snapshotter: this.name, name, key, labels }, making(name, options, diskMs))
  }
  async find(key: string, options?: CallOptions): Promise<SnapshotInfo | undefined> {
    try {
      await keep(this.#wire.calls, { type: `snapshots/${this.name}`, id: key }, options ?? {})
      const { info } = await this.#wire.calls.unary(Snapshots.method.stat, { snapshotter: this.name, key }, about(key, options))
      return info === undefined ? undefined : toInfo(info)
    } catch (error) {
      if (isEngineError(error, 'not_found')) return undefined
      throw error
    }
  }
  async remove(key: string, options?: CallOptions): Promise<void> {
    try {
      await this.#wire.calls.unary(Snapshots.method.remove, { snapshotter: this.name, key }, about(key, options, diskMs))
    } catch (error) {
      if (!isEngineError(error, 'not_found')) throw error
    }
  }
  async usage(key: string, options?: CallOptions): Promise<{ readonly bytes: number; readonly inodes: number }> {
    const { size, inodes } = await this.#wire.calls.unary(
      Snapshots.method.usage,
      { snapshotter: this.name, key },
      about(key, options, diskMs),
    )
    return { bytes: Number(size), inodes: Number(inodes) }
  }
  async *list({ signal }: CallOptions = {}): AsyncGenerator<SnapshotInfo, void, undefined> {
    const request = { snapshotter: this.name, filters: [ours(this.#wire.rootId)] }
    for await (const { info } of this.#wire.calls.serverStream(Snapshots.method.list, request, { signal })) yield* info.map(toInfo)
  }
  #rooted(labels: Labels = {}): { [key: string]: string } {
    return { ...labels, [rootLabel]: this.#wire.rootId, [gcRootLabel]: new Date().toISOString() }
  }
}

const about = (key: string, options: CallOptions = {}, deadlineMs?: number): UnaryOptions => ({
  signal: options.signal,
  subject: { kind: 'snapshot', id: key },
  deadlineMs,
})
const making = (key: string, options: CallOptions, deadlineMs?: number): UnaryOptions => ({
  ...about(key, options, deadlineMs),
  waitForAnswer: true,
})
const toInfo = ({ name, parent, kind, labels }: Info): SnapshotInfo => ({
  key: name,
  kind: kind === Kind.COMMITTED ? 'committed' : kind === Kind.VIEW ? 'view' : 'active',
  labels: withoutOurs(labels),
  ...(parent === '' ? {} : { parent }),
})
