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
  | 'annotations'
  | 'attach_again'
  | 'bandwidth'
  | 'build'
  | 'changes'
  | 'checkpoint'
  | 'chosen_id'
  | 'commit'
  | 'commit_config'
  | 'daemon_update'
  | 'disk_quota'
  | 'disk_usage'
  | 'env_update'
  | 'event_history'
  | 'exec_kill'
  | 'exec_working_dir'
  | 'exit_status_survives_restart'
  | 'export'
  | 'files'
  | 'health'
  | 'hooks'
  | 'image_history'
  | 'image_import'
  | 'image_prune'
  | 'image_push'
  | 'image_save'
  | 'init'
  | 'intel_rdt'
  | 'kill'
  | 'label_update'
  | 'live_resource_update'
  | 'log_rotation'
  | 'log_timestamps'
  | 'lxcfs'
  | 'netns_path'
  | 'network_connect'
  | 'networks'
  | 'pause'
  | 'platform'
  | 'quota_update'
  | 'rename'
  | 'restart_on_failure'
  | 'restart_policy'
  | 'restart_update'
  | 'rich'
  | 'rootfs_directory'
  | 'separate_streams'
  | 'shared_attach'
  | 'stats'
  | 'stop_signal'
  | 'tmpfs'
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
   * missing throws `unsupported` and has changed nothing; so does `create` for a field of the spec (`needs.ts` says which needs what).
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
