// What the verbs of containers are made of. Each verb declares the part that it needs, so that a test gives no more.
import type { CallOptions, Closeable, Digest, Labels } from '../../model/common.js'
import type { ContainerSpec } from '../../model/container-spec.js'
import type { ExitStatus, RuntimeRef, RuntimeSpec } from '../../model/process.js'
import type { ContainerDirectories } from '../../ports/engine/directories.js'
import type { RecordStore } from '../../ports/engine/records.js'
import type { PreparedRoot, RootService } from '../../ports/engine/roots.js'
import type { Snapshotter } from '../../ports/engine/snapshotter.js'
import type { TaskService } from '../../ports/engine/tasks.js'
import type { FailedUndo } from '../../util/rollback.js'
import type { EtcPaths } from '../spec/input.js'
import type { ContainerRecord, NameRecord } from './record.js'

/** As much of an image as a container is made from. */
export interface ContainerImage {
  /** The digest of its config. */
  readonly id: Digest
  /** The committed snapshot that holds all its layers; absent for an image without any. */
  readonly parent: string | undefined
  /** `spec` with what the image says where the user said nothing. */
  fillIn(spec: ContainerSpec): ContainerSpec
}
export interface ImageRequest extends CallOptions {
  readonly pull: 'missing' | 'always' | 'never'
  readonly platform?: string | undefined
}

/** As much of a container as its events tell. */
export type EventSubject = Pick<ContainerRecord, 'id' | 'name' | 'spec'>

export interface ContainerContext {
  readonly records: RecordStore<ContainerRecord>
  readonly names: RecordStore<NameRecord>
  readonly tasks: TaskService
  readonly snapshotter: Snapshotter
  readonly roots: RootService
  readonly directories: ContainerDirectories
  /** The container's lock over all processes of the root. */
  lock(id: string, options?: CallOptions): Promise<Closeable>
  tryLock(id: string, options?: CallOptions): Promise<Closeable | undefined>
  /** The labels are told with the attributes. */
  emit(action: string, subject: EventSubject, attributes: Labels, options?: CallOptions): Promise<void>
  /** Before what follows the end of a run is told: who watches tasks tells it, too, but later. It stands in the history once. */
  emitExit(subject: EventSubject, exit: ExitStatus): Promise<void>
  /** Unpacked and ready to be a parent. `not_found` when it is not here and `pull` does not bring it. */
  image(reference: string, request: ImageRequest): Promise<ContainerImage>
  /** Throws for a spec that this engine cannot run on this machine, naming the field; nothing has been made then. */
  check(record: ContainerRecord, options?: CallOptions): Promise<void>
  runtime(spec: ContainerSpec): RuntimeRef
  /** The name under which this process owns containers; held from the first call until the engine is closed. */
  owner(options?: CallOptions): Promise<string>
  bootId(options?: CallOptions): Promise<string>
  /** The files that are bound over the container's own, and what mounts need on the host. */
  writeFiles(record: ContainerRecord, options?: CallOptions): Promise<EtcPaths>
  buildSpec(record: ContainerRecord, root: PreparedRoot, files: EtcPaths, options?: CallOptions): Promise<RuntimeSpec>
  failedUndo(failure: FailedUndo): void
}
