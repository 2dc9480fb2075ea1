// Podman's compatible API, as `podman system service` serves it. Measured on 4.3.1.
import { EngineError } from '../../../errors.js'
import type { Capability } from '../../../ports/backend/backend.js'
import type { ContainerSpec } from '../../../model/container-spec.js'
import type { DaemonFacts, Dialect, ErrorRule } from '../dialect.js'
import { resourceDialects } from '../resource-dialect.js'
import type { CreateBody } from '../wire/create-body.js'
import { podmanResourceErrors } from './resource-errors.js'
import { docker, dockerErrors } from './docker.js'

const starting = /^POST .*\/(start|restart|attach)$/
/** Most of what a user does wrong is a 500 here. */
const podmanErrors: readonly ErrorRule[] = [
  { message: /more than one result for container/i, code: 'invalid_argument' },
  {
    status: 500,
    message: /image not known|no such image|network not found|no such volume|no such container|layer not known/i,
    code: 'not_found',
  },
  { message: /container-init binary not found/i, code: 'unsupported' },
  { message: /that name is already in use|name .* is already in use/i, code: 'already_exists' },
  // The runtime makes the process when it is attached to or started, whichever comes first.
  {
    message: /OCI runtime attempted to invoke a command that was not found/,
    request: starting,
    code: 'failed_precondition',
    exitCode: 127,
  },
  { message: /exec: .*: (permission denied|is a directory)/, request: starting, code: 'failed_precondition', exitCode: 126 },
  { message: /workdir ".*" exists on container .*, but is not a directory/, code: 'failed_precondition', exitCode: 126 },
  { message: /container state improper/i, code: 'failed_precondition' },
  { message: /invalid signal|fill out specgen|make cli opts|not a device node/i, code: 'invalid_argument' },
  { message: /statfs .*: no such file or directory|stat \/dev\/.*: no such file or directory/i, code: 'invalid_argument' },
]

/**
 * Those that are missing would need what the compatible API of 4.3 has not: it knows no update, tells times of the log in whole seconds,
 * and runs the container's own `ps` where it is asked for columns.
 */
const capabilities: readonly Capability[] = [
  ...resourceDialects.podman.capabilities.filter((capability) => capability !== 'platform'),
  'attach_again',
  'event_history',
  'exec_working_dir',
  'exit_status_survives_restart',
  'init',
  'kill',
  'log_rotation',
  'pause',
  'rename',
  'restart_on_failure',
  'restart_policy',
  'separate_streams',
  'shared_attach',
  'stats',
  'stop_signal',
  'tmpfs',
]

/** Its own defaults are others: 64 000 KiB of shared memory, a tmpfs that begins with what the image has there, and of mode 0 by `Mounts`. */
function extendBody(body: CreateBody, { mounts = [], shmBytes, ipcMode = 'private' }: ContainerSpec): CreateBody {
  const ownShm = ipcMode === 'private' || ipcMode === 'shareable'
  const tmpfs = mounts.flatMap((mount) => {
    if (mount.type !== 'tmpfs') return []
    const { target, sizeBytes, mode = 0o1777 } = mount
    const size = sizeBytes === undefined ? [] : [`size=${sizeBytes}`]
    return [[target, [`mode=${mode.toString(8)}`, ...size, 'notmpcopyup'].join(',')] as const]
  })
  const { Mounts = [] } = body.HostConfig as { readonly Mounts?: readonly { readonly Type: string }[] }
  const others = Mounts.filter(({ Type }) => Type !== 'tmpfs')
  return {
    ...body,
    HostConfig: {
      ...body.HostConfig,
      ShmSize: shmBytes ?? (ownShm ? 64 << 20 : undefined),
      Mounts: others,
      Tmpfs: Object.fromEntries(tmpfs),
    },
  }
}

/** It would run everything with its own default. */
function refuseSpec({ runtime }: ContainerSpec, { info }: DaemonFacts): void {
  if (runtime === undefined || runtime.name === info['DefaultRuntime']) return
  const { Runtimes } = info
  if (typeof Runtimes !== 'object' || Runtimes === null || !(runtime.name in Runtimes))
    throw new EngineError('invalid_argument', `runtime "${runtime.name}" is none that this daemon knows`)
  throw new EngineError('unsupported', `the podman backend does not support the choice of runtime "${runtime.name}"`)
}

function hasTimers({ info }: DaemonFacts): boolean {
  return info['CgroupDriver'] === 'systemd'
}

export const podman: Dialect = {
  ...docker,
  name: 'podman',
  isSpokenBy: ({ ping }) => ping['libpod-api-version'] !== undefined,
  errors: [...podmanErrors, ...podmanResourceErrors, ...dockerErrors],
  resources: resourceDialects.podman,
  fields: {
    ...docker.fields,
    // A profile is the path of a file on its side to it, and paths to mask or to protect are not looked at.
    'security.seccomp: profile': undefined,
    'security: maskedPaths and readOnlyPaths': undefined,
  },
  containers: {
    ...docker.containers,
    listsPaused: false,
    watchesExecs: false,
    historyLagMs: 1_000,
    keepsEvents: undefined,
    tellsRestarts: false,
    // conmon ends with input that nobody has read: what it said last may be lost.
    attachFailure: /Error: (?:read|write) unixpacket [^\n]*\n$/,
    // conmon closes it when one of its clients goes.
    cutEndsStdin: true,
    // `died`, then one of them: `restart` by the policy, or what cleans up behind it is done.
    settledBy: ['restart', 'cleanup', 'remove'],
    // It takes them, and they wait in the freezer for as long as it is paused.
    signalsPaused: false,
    // 4.3 says `false` of what the kernel has killed.
    tellsInMemory: false,
    // Its `next-exit` looks once a second whether it runs, and misses a run that is shorter.
    wait: 'plain',
    forcedRemoval: 'stops',
    extendBody,
    refuseSpec,
    oneShotStats: () => false,
  },
  // It has checks run by timers of systemd. Without one it takes them, and never runs them; it is systemd that it makes its cgroups by where there is one.
  capabilities: (facts) => [...capabilities, ...(hasTimers(facts) ? (['health'] as const) : [])],
  checks: (facts) => [
    {
      name: 'health',
      answer: hasTimers(facts) ? 'yes' : 'no',
      why: `health checks are run by timers of systemd, and the daemon says "CgroupDriver": ${String(facts.info['CgroupDriver'])}`,
      ...(!hasTimers(facts) && { remedy: 'run Podman on a machine with systemd, with its cgroup manager' }),
    },
  ],
}
