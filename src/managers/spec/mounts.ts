// What is mounted in a container, in order: what every container has, then the rest, parents before children.
import { posix } from 'node:path'
import { EngineError } from '../../errors.js'
import type { TargetMount } from '../../model/common.js'
import type { ContainerSettings } from '../../model/container-spec.js'
import type { OciMount } from '../../oci/runtime-spec.js'
import type { EtcPaths } from './input.js'
import { kernelAtLeast } from './seccomp.js'

export interface MountsRequest {
  readonly mounts: NonNullable<ContainerSettings['mounts']>
  /** Sources of binds that are no directories. */
  readonly fileSources?: ReadonlySet<string> | undefined
  readonly shmBytes: number | undefined
  readonly ipcMode: ContainerSettings['ipcMode']
  readonly privileged: boolean
  readonly readOnlyRoot: boolean
  /** Paths of the host. */
  readonly etc: EtcPaths
  /** What lies over the root (lxcfs). */
  readonly inside: readonly TargetMount[]
  /** A path of the host, for process 1. */
  readonly initPath: string | undefined
  readonly kernel: string
}
/** Where `init` is in a container: in /dev, which is ours, so that nothing is left in the root. */
export const INIT_TARGET = '/dev/init'
const DEFAULT_SHM_BYTES = 64 << 20

/** A user's mount wins over ours at the same path, and one of /dev over all below it. Two of a user's at one path: `invalid_argument`. */
export function toMounts(request: MountsRequest): readonly OciMount[] {
  const users = userMounts(request)
  const taken = new Set(users.map((mount) => mount.destination))
  const free = ({ destination }: OciMount): boolean => !taken.has(destination) && !(taken.has('/dev') && destination.startsWith('/dev/'))
  const over = [...etcMounts(request).filter(free), ...request.inside.map(toMount).filter(free), ...users]
  const init: OciMount[] =
    request.initPath === undefined ? [] : [{ destination: INIT_TARGET, type: 'bind', source: request.initPath, options: ['bind', 'ro'] }]
  return [...baseMounts(request).filter(free), ...over.sort((a, b) => depth(a) - depth(b)), ...init]
}

function baseMounts({ privileged, ipcMode, shmBytes = DEFAULT_SHM_BYTES }: MountsRequest): readonly OciMount[] {
  const hidden = ['nosuid', 'noexec', 'nodev']
  const access = privileged ? 'rw' : 'ro'
  const shm: readonly OciMount[] =
    ipcMode === 'none'
      ? []
      : ipcMode === 'host'
        ? [{ destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['rbind', 'rprivate'] }]
        : [{ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...hidden, 'mode=1777', `size=${shmBytes}`] }]
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: hidden },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...hidden, access] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...hidden, access] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: hidden },
    ...shm,
  ]
}

function etcMounts({ etc, readOnlyRoot }: MountsRequest): readonly OciMount[] {
  const paths = { '/etc/hosts': etc.hosts, '/etc/hostname': etc.hostname, '/etc/resolv.conf': etc.resolvConf }
  return Object.entries(paths).flatMap(([destination, source]) =>
    source === undefined ? [] : [{ destination, type: 'bind', source, options: ['rbind', 'rprivate', readOnlyRoot ? 'ro' : 'rw'] }],
  )
}

function userMounts({ mounts, fileSources, kernel }: MountsRequest): readonly OciMount[] {
  const seen = new Map<string, number>()
  return mounts.map((mount, index) => {
    const field = `mounts[${index}]`
    const destination = targetOf(mount.target, field)
    if (seen.has(destination)) {
      throw new EngineError('invalid_argument', `${field}.target: "${destination}" is the target of mounts[${seen.get(destination)}], too`)
    }
    seen.set(destination, index)
    switch (mount.type) {
      case 'bind': {
        if (!mount.source.startsWith('/'))
          throw new EngineError('invalid_argument', `${field}.source: "${mount.source}" is not an absolute path`)
        // `rro` takes the mounts below the source along; who does not know it sees `ro`.
        // Below a file there is none, and crun (1.8) takes `rro` for directories only.
        const recursive = fileSources?.has(mount.source) !== true && kernelAtLeast(kernel, 5, 12)
        const access = mount.readOnly !== true ? ['rw'] : recursive ? ['ro', 'rro'] : ['ro']
        return { destination, type: 'bind', source: mount.source, options: ['rbind', ...access, `r${mount.propagation ?? 'private'}`] }
      }
      case 'tmpfs': {
        const size = mount.sizeBytes === undefined ? [] : [`size=${mount.sizeBytes}`]
        return {
          destination,
          type: 'tmpfs',
          source: 'tmpfs',
          options: ['nosuid', 'noexec', 'nodev', `mode=${(mount.mode ?? 0o1777).toString(8)}`, ...size],
        }
      }
      case 'volume':
        throw new EngineError('unsupported', `${field}: volume "${mount.source}" has not been made a mount`)
      default:
        return mount satisfies never
    }
  })
}

/** Links in the container's root may lead elsewhere: it is the runtime that stays within. */
function targetOf(target: string, field: string): string {
  const path = posix.normalize(target).replace(/(?<=.)\/$/, '')
  if (!target.startsWith('/')) throw new EngineError('invalid_argument', `${field}.target: "${target}" is not an absolute path`)
  if (path === '/') throw new EngineError('invalid_argument', `${field}.target: "/" is the root itself`)
  return path
}

function toMount({ target, type, source, options }: TargetMount): OciMount {
  return { destination: target, type, source, options }
}

function depth({ destination }: OciMount): number {
  return destination.split('/').length
}
