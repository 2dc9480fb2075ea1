// What each field of a spec, and of a change, needs of a backend: part of the contract of `create` and `update`, and the same for all backends.
import type { ContainerChange } from '../../model/container.js'
import type { ContainerSettings } from '../../model/container-spec.js'
import type { Capability } from './backend.js'

export interface Need {
  /** Its path in the spec, e.g. `mounts[2]`. */
  readonly field: string
  readonly capability: Capability
}
interface Wish extends Need {
  readonly asked: boolean
}

/** A field that asks for nothing (an empty list, a policy of `no`) needs nothing. */
export function needsOfSpec(spec: ContainerSettings & { readonly rootfs?: string | undefined }): readonly Need[] {
  const { annotations, diskQuota, health, hooks, init, lxcfs, platform, restart, rich, log, stopSignal, resources, mounts = [] } = spec
  const volume = mounts.findIndex(({ type }) => type === 'volume')
  const tmpfs = mounts.findIndex(({ type }) => type === 'tmpfs')
  return asked([
    { field: 'rootfs', capability: 'rootfs_directory', asked: spec.rootfs !== undefined },
    { field: 'id', capability: 'chosen_id', asked: spec.id !== undefined },
    { field: 'platform', capability: 'platform', asked: platform !== undefined },
    { field: 'annotations', capability: 'annotations', asked: some(annotations) },
    ...networkWishes(spec),
    { field: `mounts[${volume}]`, capability: 'volumes', asked: volume >= 0 },
    { field: `mounts[${tmpfs}]`, capability: 'tmpfs', asked: tmpfs >= 0 },
    { field: 'diskQuota', capability: 'disk_quota', asked: some(diskQuota) },
    { field: 'lxcfs', capability: 'lxcfs', asked: lxcfs === true },
    { field: 'resources.intelRdt', capability: 'intel_rdt', asked: resources?.intelRdt !== undefined },
    { field: 'init', capability: 'init', asked: init === true },
    { field: 'rich', capability: 'rich', asked: rich !== undefined },
    { field: 'hooks', capability: 'hooks', asked: some(hooks) },
    { field: 'stopSignal', capability: 'stop_signal', asked: stopSignal !== undefined && stopSignal !== 'SIGTERM' },
    { field: 'restart', capability: 'restart_policy', asked: restart !== undefined && restart.policy !== 'no' },
    { field: 'restart.policy', capability: 'restart_on_failure', asked: restart?.policy === 'on-failure' },
    { field: 'health', capability: 'health', asked: some(health?.command) },
    { field: 'log.options', capability: 'log_rotation', asked: some(log?.options) },
  ])
}

export function needsOfChange({ resources, restart, labels, env, diskQuota }: ContainerChange): readonly Need[] {
  return asked([
    { field: 'resources', capability: 'live_resource_update', asked: some(resources) },
    { field: 'restart', capability: 'restart_update', asked: restart !== undefined },
    { field: 'restart.policy', capability: 'restart_on_failure', asked: restart?.policy === 'on-failure' },
    { field: 'labels', capability: 'label_update', asked: some(labels) },
    { field: 'env', capability: 'env_update', asked: some(env) },
    { field: 'diskQuota', capability: 'quota_update', asked: some(diskQuota) },
  ])
}

function networkWishes({ networks = [], networkMode, ports = [] }: ContainerSettings): readonly Wish[] {
  const shared = typeof networkMode === 'object' ? networkMode : {}
  return [
    { field: 'networks', capability: 'networks', asked: networks.length > 0 },
    { field: 'networks.bandwidth', capability: 'bandwidth', asked: networks.some(({ bandwidth }) => bandwidth !== undefined) },
    { field: 'networkMode', capability: 'networks', asked: 'container' in shared },
    { field: 'networkMode', capability: 'netns_path', asked: 'netns' in shared },
    { field: 'ports', capability: 'networks', asked: ports.length > 0 },
  ]
}

function asked(wishes: readonly Wish[]): readonly Need[] {
  return wishes.filter((wish) => wish.asked).map(({ field, capability }) => ({ field, capability }))
}
/** Whether there is anything in it but `undefined`. */
function some(value: object | undefined): boolean {
  return value !== undefined && Object.values(value).some((entry) => entry !== undefined)
}
