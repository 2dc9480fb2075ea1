// From device paths of the host to their numbers.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ContainerSpec, DeviceRequest } from '../../model/container-spec.js'
import type { HostFiles, HostPath } from '../../ports/engine/host-files.js'
import type { ResolvedBlockDevice, ResolvedDevice } from '../spec/input.js'

/** Made by the runtime or by mounts of their own, whatever the host has there. */
const ownOfContainer = /^\/dev\/(?:pts|shm|mqueue|console|ptmx|tty\d*)(?:\/|$)/

/** Those asked for; of a privileged container all of the host's. A directory stands for the devices in it. */
export async function resolveDevices(
  files: HostFiles,
  { devices = [], security }: ContainerSpec,
  options: CallOptions,
): Promise<readonly ResolvedDevice[]> {
  const all = security?.privileged === true ? (await files.devices('/dev', options)).filter((path) => !ownOfContainer.test(path)) : []
  const requests = [...all, ...devices].map((device): DeviceRequest => (typeof device === 'string' ? { hostPath: device } : device))
  const resolved = await Promise.all(requests.map((request) => resolveRequest(files, request, options)))
  return [...new Map(resolved.flat().map((device) => [device.path, device])).values()]
}

async function resolveRequest(files: HostFiles, request: DeviceRequest, options: CallOptions): Promise<readonly ResolvedDevice[]> {
  const { hostPath, path = hostPath, access = 'rwm' } = request
  const found = await files.inspect(hostPath, options)
  if (found === undefined) throw new EngineError('invalid_argument', `devices: "${hostPath}" is not there`)
  if (found.type !== 'directory') return [toDevice(hostPath, path, access, found)]
  const inner = await files.devices(hostPath, options)
  return Promise.all(
    inner.map(async (child) => {
      const node = await files.inspect(child, options)
      if (node === undefined) throw new EngineError('invalid_argument', `devices: "${child}" is not there`)
      return toDevice(child, path + child.slice(hostPath.length), access, node)
    }),
  )
}

function toDevice(hostPath: string, path: string, access: string, found: HostPath): ResolvedDevice {
  const { type, major, minor, mode, uid, gid } = found
  if ((type !== 'block' && type !== 'character') || major === undefined || minor === undefined) {
    throw new EngineError('invalid_argument', `devices: "${hostPath}" is not a device`)
  }
  return { path, type: type === 'block' ? 'b' : 'c', major, minor, mode, uid, gid, access }
}

/** The block devices that limits of input and output name. */
export async function resolveBlockDevices(
  files: HostFiles,
  { resources }: ContainerSpec,
  options: CallOptions,
): Promise<ReadonlyMap<string, ResolvedBlockDevice>> {
  const found = new Map<string, ResolvedBlockDevice>()
  for (const { path } of resources?.blockIo?.devices ?? []) {
    const node = await files.inspect(path, options)
    if (node?.type !== 'block' || node.major === undefined || node.minor === undefined) {
      throw new EngineError('invalid_argument', `resources.blockIo.devices: "${path}" is not a block device`)
    }
    found.set(path, { major: node.major, minor: node.minor })
  }
  return found
}
