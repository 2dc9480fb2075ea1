// Refuses, before anything is made, what a spec asks for and this engine cannot do.
import { EngineError } from '../../errors.js'
import type { ContainerSettings } from '../../model/container-spec.js'
import type { Capability } from '../../ports/backend/backend.js'

/** Log drivers of the engine's own. */
const LOG_DRIVERS: readonly string[] = ['file', 'none']

interface Wish {
  readonly field: string
  readonly capability: Capability
  readonly asked: boolean
}

/** Throws `unsupported` naming the field and the capability, and `invalid_argument` for fields that exclude each other. */
export function refuseUnsupported(spec: ContainerSettings, supports: (capability: Capability) => boolean, backendName: string): void {
  const { networks = [], networkMode, log } = spec
  if (networks.length > 0 && networkMode !== undefined) {
    throw new EngineError('invalid_argument', 'networkMode: only one of "networks" and "networkMode" can be given')
  }
  const missing = wishes(spec).find(({ asked, capability }) => asked && !supports(capability))
  if (missing !== undefined) {
    throw new EngineError('unsupported', `${missing.field}: the ${backendName} backend does not support "${missing.capability}"`)
  }
  if (log !== undefined && !LOG_DRIVERS.includes(log.driver)) {
    throw new EngineError('unsupported', `log.driver: the ${backendName} backend has no log driver "${log.driver}"`)
  }
  for (const [field, mode] of [
    ['pidMode', spec.pidMode],
    ['ipcMode', spec.ipcMode],
  ] as const) {
    if (typeof mode === 'object')
      throw new EngineError(
        'unsupported',
        `${field}: the ${backendName} backend cannot share the namespace of container "${mode.container}"`,
      )
  }
}

function wishes(spec: ContainerSettings): readonly Wish[] {
  const { networks = [], networkMode, ports = [], mounts = [], restart, health, diskQuota = {}, lxcfs, rich, log } = spec
  const volume = mounts.findIndex((mount) => mount.type === 'volume')
  return [
    { field: 'networks', capability: 'networks', asked: networks.length > 0 },
    { field: 'networks.bandwidth', capability: 'bandwidth', asked: networks.some((network) => network.bandwidth !== undefined) },
    { field: 'networkMode', capability: 'networks', asked: typeof networkMode === 'object' },
    { field: 'ports', capability: 'networks', asked: ports.length > 0 },
    { field: `mounts[${volume}]`, capability: 'volumes', asked: volume >= 0 },
    { field: 'restart', capability: 'restart_policy', asked: restart !== undefined && restart.policy !== 'no' },
    { field: 'health', capability: 'health', asked: health !== undefined && health.command.length > 0 },
    { field: 'diskQuota', capability: 'disk_quota', asked: Object.keys(diskQuota).length > 0 },
    { field: 'lxcfs', capability: 'lxcfs', asked: lxcfs === true },
    { field: 'rich', capability: 'rich', asked: rich !== undefined },
    { field: 'log.options', capability: 'log_rotation', asked: Object.keys(log?.options ?? {}).length > 0 },
  ]
}
