// The lower floor as one room hands it over, and what else the managers ask of it.
import type { Trace } from '../model/trace.js'
import type { CallOptions } from '../model/common.js'
import type { RuntimeRef } from '../model/process.js'
import type { CheckItem } from '../model/system.js'
import type { Capability } from '../ports/backend/backend.js'
import type { ContainerDirectories } from '../ports/engine/directories.js'
import type { EventLog } from '../ports/engine/events.js'
import type { Host } from '../ports/engine/host.js'
import type { HostFiles } from '../ports/engine/host-files.js'
import type { Locks } from '../ports/engine/locks.js'
import type { RecordStore } from '../ports/engine/records.js'
import type { Storage } from '../ports/engine/storage.js'
import type { TaskService } from '../ports/engine/tasks.js'
import type { RegistryOptions } from '../registry/options.js'
import type { OpenRootedFs } from '../util/rooted-fs.js'

export interface EnginePorts {
  readonly storage: Storage
  readonly tasks: TaskService
  readonly locks: Locks
  readonly events: EventLog
  readonly host: Host
  readonly hostFiles: HostFiles
  readonly directories: ContainerDirectories
  /** The shapes are the managers'; where and how they are kept is the room's. Called once for each kind. */
  records<T>(kind: string, shape: RecordShape<T>): RecordStore<T>
}
export interface RecordShape<T> {
  /** Throws `data_loss` for what is not such a record. */
  parse(json: unknown): T
  /** False: losing it in a crash of the machine is no loss. */
  durable(value: T): boolean
}

/** Which runtimes a room has. */
export interface RuntimeTable {
  /** What runs a container that names none. */
  readonly default: string
  readonly names: readonly string[]
  /** Throws `invalid_argument` for a name that is not in the table, `failed_precondition` for one whose program is missing. */
  check(runtime: RuntimeRef, options?: CallOptions): Promise<void>
}

export interface EngineSettings {
  readonly name: string
  readonly runtimes: RuntimeTable
  readonly registries?: RegistryOptions | undefined
  readonly openRootedFs: OpenRootedFs
  /** What this room can do beyond what the managers can on any. */
  readonly capabilities: readonly Capability[]
  readonly onTrace?: Trace | undefined
  /** Called before every call of a port. A test counts here, and kills. */
  readonly beforeStep?: ((step: string) => void) | undefined
  version(options?: CallOptions): Promise<string>
  check(options?: CallOptions): Promise<readonly CheckItem[]>
  /** After the managers have ended what they own. Never rejects. */
  close(): Promise<void>
}
