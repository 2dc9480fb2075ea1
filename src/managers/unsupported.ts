// What this engine does not do yet, refused in one way.
import { EngineError } from '../errors.js'
import type { Capability } from '../ports/backend/backend.js'
import type { ContainerImages } from '../ports/backend/container-images.js'
import type { FileService } from '../ports/backend/files.js'
import type { NetworkService } from '../ports/backend/networks.js'
import type { VolumeService } from '../ports/backend/volumes.js'

export function unsupported(capability: Capability, backend: string): EngineError {
  return new EngineError('unsupported', `the ${backend} backend does not support "${capability}"`)
}

const refuse = (capability: Capability, backend: string) => async (): Promise<never> => {
  throw unsupported(capability, backend)
}
const refuseStream = (capability: Capability, backend: string) =>
  // biome-ignore lint/correctness/useYield: it ends at its first step
  async function* (): AsyncGenerator<never> {
    throw unsupported(capability, backend)
  }

export function refusedContainerImages(backend: string): ContainerImages {
  const checkpoint = refuse('checkpoint', backend)
  return {
    commit: refuse('commit', backend),
    upgrade: refuse('upgrade', backend),
    export: refuseStream('export', backend),
    changes: refuseStream('changes', backend),
    checkpoint,
    restore: checkpoint,
  }
}
export function refusedFiles(backend: string): FileService {
  const call = refuse('files', backend)
  return { stat: call, read: refuseStream('files', backend), write: call }
}
export function refusedNetworks(backend: string): NetworkService {
  const call = refuse('networks', backend)
  return { create: call, get: call, list: refuseStream('networks', backend), connect: call, disconnect: call, remove: call, prune: call }
}
export function refusedVolumes(backend: string): VolumeService {
  const call = refuse('volumes', backend)
  return { create: call, get: call, list: refuseStream('volumes', backend), usage: call, remove: call, prune: call }
}
