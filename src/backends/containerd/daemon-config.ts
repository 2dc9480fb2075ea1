// The configuration of a containerd of our own. Pure.
import { join } from 'node:path'
import { EngineError } from '../../errors.js'

export interface DaemonPaths {
  readonly directory: string
  readonly root: string
  readonly state: string
  readonly opt: string
  readonly socket: string
  readonly config: string
  readonly log: string
  readonly pid: string
  readonly boot: string
}

/** sun_path without its closing zero. */
const longestSocket = 107

/** Below `<root>/daemon`. Throws `invalid_argument` when a socket's path there would be too long for the kernel. */
export function daemonPaths(root: string): DaemonPaths {
  const directory = join(root, 'daemon')
  const at = (name: string): string => join(directory, name)
  const socket = at('containerd.sock')
  const longest = `${socket}.ttrpc` // containerd makes this one beside it
  const excess = Buffer.byteLength(longest) - longestSocket
  if (excess > 0)
    throw new EngineError('invalid_argument', `root "${root}" is ${excess} bytes too long: a socket's path has at most ${longestSocket}`)
  return {
    directory,
    root: at('root'),
    state: at('state'),
    opt: at('opt'),
    socket,
    config: at('config.toml'),
    log: at('log'),
    pid: at('pid'),
    boot: at('boot'),
  }
}

// Names of 1.6 to 2.x; one that a version does not have is passed over.
const unneeded = [
  'io.containerd.grpc.v1.cri',
  'io.containerd.cri.v1.images',
  'io.containerd.cri.v1.runtime',
  'io.containerd.podsandbox.controller.v1.podsandbox',
  'io.containerd.internal.v1.restart',
  'io.containerd.monitor.container.v1.restart',
  'io.containerd.internal.v1.tracing',
  'io.containerd.tracing.processor.v1.otlp',
  'io.containerd.nri.v1.nri',
  'io.containerd.image-verifier.v1.bindir',
  'io.containerd.snapshotter.v1.aufs',
  'io.containerd.snapshotter.v1.btrfs',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.zfs',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.erofs',
]

/** Version 2 is read by 1.6 and all later ones. */
export function daemonConfig({ root, state, opt, socket }: DaemonPaths): string {
  return `version = 2
root = ${tomlString(root)}
state = ${tomlString(state)}
disabled_plugins = [${unneeded.map(tomlString).join(', ')}]
[grpc]
  address = ${tomlString(socket)}
  uid = ${process.getuid?.() ?? 0}
  gid = ${process.getgid?.() ?? 0}
[debug]
  level = "warn"
[plugins."io.containerd.internal.v1.opt"]
  path = ${tomlString(opt)}
`
}

/** A basic string of TOML 1.0. */
export function tomlString(text: string): string {
  return `"${[...text]
    .map((character) => {
      const code = character.codePointAt(0) ?? 0
      if (character === '"' || character === '\\') return `\\${character}`
      return code < 0x20 || code === 0x7f ? `\\u${code.toString(16).padStart(4, '0')}` : character
    })
    .join('')}"`
}
