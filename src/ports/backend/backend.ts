import type { Closeable } from '../../model/common.js'
import type { ContainerImages } from './container-images.js'
import type { ContainerControl, ContainerService, ContainerStreams } from './containers.js'
import type { ExecService } from './execs.js'
import type { FileService } from './files.js'
import type { ImageService } from './images.js'
import type { NetworkService } from './networks.js'
import type { SystemService } from './system.js'
import type { VolumeService } from './volumes.js'

export type Capability =
  | 'bandwidth'
  | 'build'
  | 'changes'
  | 'checkpoint'
  | 'commit'
  | 'disk_quota'
  | 'disk_usage'
  | 'event_history'
  | 'exec_kill'
  | 'exit_status_survives_restart'
  | 'export'
  | 'files'
  | 'health'
  | 'image_history'
  | 'image_import'
  | 'image_prune'
  | 'image_push'
  | 'image_save'
  | 'live_resource_update'
  | 'log_rotation'
  | 'log_timestamps'
  | 'lxcfs'
  | 'network_connect'
  | 'networks'
  | 'pause'
  | 'platform'
  | 'rename'
  | 'restart_policy'
  | 'rich'
  | 'rootfs_directory'
  | 'shared_attach'
  | 'stats'
  | 'top'
  | 'upgrade'
  | 'volume_usage'
  | 'volumes'

/** One way of running containers. The facade knows this interface and nothing below it. Closing it stops no container that is not owned. */
export interface Backend extends Closeable {
  /** For messages. Code that wants to branch asks `supports`. */
  readonly name: string
  /**
   * Answers from what the daemon or machine said while connecting; does no I/O. A method whose capability is
   * missing throws `unsupported` and has changed nothing; so does `create` for a field of the spec.
   */
  supports(capability: Capability): boolean
  readonly containers: ContainerService
  readonly control: ContainerControl
  readonly streams: ContainerStreams
  readonly containerImages: ContainerImages
  readonly execs: ExecService
  readonly files: FileService
  readonly images: ImageService
  readonly networks: NetworkService
  readonly volumes: VolumeService
  readonly system: SystemService
}
