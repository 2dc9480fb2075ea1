// What a root and this machine give to the managers of a room: all ports but its storage and its tasks.
import type { Trace } from '../../model/trace.js'
import type { ContainerDirectories } from '../../ports/engine/directories.js'
import type { EventLog } from '../../ports/engine/events.js'
import type { HostFiles } from '../../ports/engine/host-files.js'
import type { Host } from '../../ports/engine/host.js'
import type { Locks } from '../../ports/engine/locks.js'
import { LinuxHostFiles } from './host-files.js'
import { LinuxHost } from './linux-host.js'
import type { Root } from './root.js'

export interface HostPorts {
  readonly locks: Locks
  readonly events: EventLog
  readonly host: Host
  readonly hostFiles: HostFiles
  readonly directories: ContainerDirectories
  readonly records: Root['records']
}

export function hostPorts({ directory, locks, events, directories, records }: Root, onTrace: Trace | undefined): HostPorts {
  return { locks, events, directories, records, host: new LinuxHost({ root: directory, onTrace }), hostFiles: new LinuxHostFiles() }
}
