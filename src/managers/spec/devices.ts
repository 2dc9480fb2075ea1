// Device nodes inside a container, and what its cgroup lets it do with them.
import { EngineError } from '../../errors.js'
import type { OciDevice, OciDeviceRule } from '../../oci/runtime-spec.js'
import type { ResolvedDevice } from './input.js'

/** Made by every runtime: null, zero, full, random, urandom; tty, console, ptmx; terminals. */
const BASIC: readonly (readonly [major: number, minor?: number])[] = [[1, 3], [1, 5], [1, 7], [1, 8], [1, 9], [5, 0], [5, 1], [5, 2], [136]]
/** What a container has of its own. */
const OWN = /^\/dev\/(?:console|ptmx|init|(?:pts|shm|mqueue|fd)\/.*)$/

export function toDevices(devices: readonly ResolvedDevice[]): readonly OciDevice[] {
  const relative = devices.find(({ path }) => !path.startsWith('/'))
  if (relative !== undefined) throw new EngineError('invalid_argument', `devices: "${relative.path}" is not an absolute path`)
  return devices
    .filter(({ path }) => !OWN.test(path))
    .map(({ path, type, major, minor, mode, uid, gid }) => ({ path, type, major, minor, fileMode: mode & 0o777, uid, gid }))
}

/** All nodes may be made, few may be opened. Privileged: everything. A number left out stands for all: not every runtime takes -1. */
export function toDeviceRules(devices: readonly ResolvedDevice[], privileged: boolean): readonly OciDeviceRule[] {
  if (privileged) return [{ allow: true, access: 'rwm' }]
  return [
    { allow: false, access: 'rwm' },
    { allow: true, type: 'c', access: 'm' },
    { allow: true, type: 'b', access: 'm' },
    ...BASIC.map(
      ([major, minor]): OciDeviceRule => ({ allow: true, type: 'c', major, ...(minor === undefined ? {} : { minor }), access: 'rwm' }),
    ),
    ...devices.map(({ path, type, major, minor, access }): OciDeviceRule => {
      if (!/^[rwm]{1,3}$/.test(access))
        throw new EngineError('invalid_argument', `devices: "${path}" has the access "${access}": any of r, w and m is expected`)
      return { allow: true, type, major, minor, access }
    }),
  ]
}
