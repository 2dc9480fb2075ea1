import { describe, expectTypeOf, it } from 'vitest'
import type { CallOptions } from '../../src/model/common.js'
import type { Backend } from '../../src/ports/backend/backend.js'
import type { LogDriver, LogSink } from '../../src/ports/drivers/log.js'
import type { NetworkDriver } from '../../src/ports/drivers/network.js'
import type { RootDriver } from '../../src/ports/drivers/root.js'
import type { VolumeDriver } from '../../src/ports/drivers/volume.js'
import type { ContentStore } from '../../src/ports/engine/content.js'
import type { ContainerDirectories } from '../../src/ports/engine/directories.js'
import type { EventLog } from '../../src/ports/engine/events.js'
import type { HostFiles } from '../../src/ports/engine/host-files.js'
import type { Host, MountedTree } from '../../src/ports/engine/host.js'
import type { Locks } from '../../src/ports/engine/locks.js'
import type { RecordStore } from '../../src/ports/engine/records.js'
import type { RootService } from '../../src/ports/engine/roots.js'
import type { LayerService, Snapshotter } from '../../src/ports/engine/snapshotter.js'
import type { HeldStorage, ImageStore, Storage } from '../../src/ports/engine/storage.js'
import type { TaskControl, TaskIo, TaskService } from '../../src/ports/engine/tasks.js'
import type { Attachment } from '../../src/ports/streams.js'
import type { Container, ContainerFiles, Containers, Engine, Exec, Image, Images, Network, Networks, Volume, Volumes } from 'pouch-sdk'
import type { RootedFs } from '../../src/util/rooted-fs.js'

type Last<P extends readonly unknown[]> = Required<P> extends [...unknown[], infer L] ? L : never
type IsAsync<R> = R extends Promise<unknown> | AsyncIterable<unknown> ? true : false
type TakesOptions<L> = 'signal' extends keyof L ? (L extends CallOptions ? true : false) : false
/** The async methods of T whose last parameter is not call options. Closing has its own deadline. */
type Deaf<T> = {
  [K in keyof T]-?: NonNullable<T[K]> extends (...args: infer P) => infer R
    ? IsAsync<R> extends true
      ? TakesOptions<Exclude<Last<P>, undefined>> extends true
        ? never
        : K
      : never
    : never
}[Exclude<keyof T, symbol | 'close'>]
/** The services of a backend, each by its name: one that is added is checked without another line here. */
type DeafServices = {
  [K in keyof Backend]: Backend[K] extends (...args: never[]) => unknown ? never : Backend[K] extends object ? Deaf<Backend[K]> : never
}[Exclude<keyof Backend, symbol>]

/** A tree's `files` are looked at on their own. */
type Ports = {
  readonly attachment: Attachment
  readonly content: ContentStore
  readonly directories: ContainerDirectories
  readonly events: EventLog
  readonly hostFiles: HostFiles
  readonly host: Host
  readonly mountedTree: MountedTree
  readonly locks: Locks
  readonly records: RecordStore<unknown>
  readonly roots: RootService
  readonly layers: LayerService
  readonly snapshotter: Snapshotter
  readonly storage: Storage
  readonly heldStorage: HeldStorage
  readonly images: ImageStore
  readonly tasks: TaskService
  readonly taskIo: TaskIo
  readonly taskControl: TaskControl
  readonly logDriver: LogDriver
  readonly logSink: LogSink
  readonly networkDriver: NetworkDriver
  readonly rootDriver: RootDriver
  readonly volumeDriver: VolumeDriver
  readonly rootedFs: RootedFs
}
type Handles = {
  readonly container: Container
  readonly containerFiles: ContainerFiles
  readonly containers: Containers
  readonly engine: Engine
  readonly exec: Exec
  readonly image: Image
  readonly images: Images
  readonly network: Network
  readonly networks: Networks
  readonly volume: Volume
  readonly volumes: Volumes
}
type DeafAmong<T> = { [K in keyof T]: Deaf<T[K]> extends never ? never : readonly [K, Deaf<T[K]>] }[keyof T]

describe('call options', () => {
  it('every async method of the upper floor takes them', () => {
    expectTypeOf<DeafServices>().toBeNever()
    expectTypeOf<Deaf<Backend>>().toBeNever()
  })
  it('every async method of the lower floor and of drivers takes them', () => {
    expectTypeOf<DeafAmong<Ports>>().toBeNever()
  })
  it('every async method of what users hold takes them', () => {
    expectTypeOf<DeafAmong<Handles>>().toBeNever()
  })
  it('a method without them is found', () => {
    interface Bad {
      go(id: string): Promise<void>
    }
    interface BadOptional {
      maybe?(id: string, options?: { readonly force?: boolean }): AsyncIterable<string>
    }
    expectTypeOf<Deaf<Bad>>().toEqualTypeOf<'go'>()
    expectTypeOf<Deaf<BadOptional>>().toEqualTypeOf<'maybe'>()
    expectTypeOf<DeafAmong<{ readonly bad: Bad; readonly locks: Locks }>>().toEqualTypeOf<readonly ['bad', 'go']>()
  })
})
