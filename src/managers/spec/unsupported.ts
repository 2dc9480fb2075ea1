// Refuses, before anything is made, what a spec asks for and this engine cannot do.
import { EngineError } from '../../errors.js'
import type { ContainerChange } from '../../model/container.js'
import type { ContainerSettings } from '../../model/container-spec.js'
import type { Capability } from '../../ports/backend/backend.js'
import { needsOfChange, needsOfSpec, type Need } from '../../ports/backend/needs.js'

/** Log drivers of the engine's own. */
const LOG_DRIVERS: readonly string[] = ['file', 'none']

/** Throws `unsupported` naming the field and the capability, and `invalid_argument` for fields that exclude each other. */
export function refuseUnsupported(spec: ContainerSettings, supports: (capability: Capability) => boolean, backendName: string): void {
  const { networks = [], networkMode, log } = spec
  if (networks.length > 0 && networkMode !== undefined) {
    throw new EngineError('invalid_argument', 'networkMode: only one of "networks" and "networkMode" can be given')
  }
  refuseMissing(needsOfSpec(spec), supports, backendName)
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

/** Throws `unsupported` naming the field and the capability. */
export function refuseUnsupportedChange(change: ContainerChange, supports: (capability: Capability) => boolean, backendName: string): void {
  refuseMissing(needsOfChange(change), supports, backendName)
}

function refuseMissing(needs: readonly Need[], supports: (capability: Capability) => boolean, backendName: string): void {
  const missing = needs.find(({ capability }) => !supports(capability))
  if (missing !== undefined) {
    throw new EngineError('unsupported', `${missing.field}: the ${backendName} backend does not support "${missing.capability}"`)
  }
}
