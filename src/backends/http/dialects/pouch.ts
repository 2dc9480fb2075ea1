// pouchd 1.3.0 and 1.3.1, the last releases. Sources: its API description, its code, and both daemons as they were observed.
import type { Capability } from '../../../ports/backend/backend.js'
import type { DaemonFacts, Dialect, ErrorRule } from '../dialect.js'
import { resourceDialects } from '../resource-dialect.js'
import type { FieldTable } from '../wire/spec-fields.js'
import { docker, dockerErrors } from './docker.js'
import { pouchResourceErrors } from './resource-errors.js'
import { toPouchBody, toPouchUpdates } from './pouch-body.js'
import { refusePouchChange, refusePouchSpec } from './pouch-refusals.js'

/** Whatever it finds wrong beside what is absent or taken is a 500. */
const errors: readonly ErrorRule[] = [
  // Whatever keeps it from asking a registry is a 404.
  {
    status: 404,
    message: /failed to do request|dial tcp|connection refused|no such host|i\/o timeout|HTTP response to HTTPS client|x509:/i,
    code: 'unavailable',
  },
  { status: 400, message: /only support for the json-file log driver/, code: 'unsupported' },
  { status: 500, message: /: too many$/, code: 'invalid_argument' },
  { status: 500, message: /unable to find (?:user|group)|no matching entries in (?:passwd|group) file/i, code: 'failed_precondition' },
  { status: 500, message: /no running process found/, code: 'failed_precondition' },
  { status: 500, message: /failed to setup container .* working directory/, code: 'failed_precondition', exitCode: 126 },
  { message: /already existed/i, code: 'already_exists' },
  // The second is of one that goes away at that moment.
  { status: 500, message: /: not found$|Object not found$/, code: 'not_found' },
  {
    status: 500,
    message:
      /is not (?:running|stopped|paused)|in a stopped state|status is not running|cannot start a paused|in use|is using this image|image not changed|not started/i,
    code: 'failed_precondition',
  },
  { status: 500, message: /lock failed/i, code: 'conflict' },
  {
    status: 500,
    message: /invalid container name|invalid reference|is not support by pouch|unknown capability|gathering device information/i,
    code: 'invalid_argument',
  },
  { status: 500, message: /numerical result out of range|invalid argument|minim(?:um|al) memory/i, code: 'invalid_argument' },
  { status: 500, message: /plugin not found|(?:repquota|quotaon|setquota).*executable file not found/i, code: 'unsupported' },
  { status: 500, message: /Intel RDT\/CAT is not enabled|CRIU version check failed/, code: 'unsupported' },
]

const fields: FieldTable = {
  cgroupParent: 'always',
  'mounts: createSource': 'always',
  'networks: several': 'always',
  'networks: mac': 'always',
  'resources.blockIo': 'always',
  'resources.cpus': 'always',
  'security.apparmor': 'always',
  'security.seccomp': 'always',
  'security.selinuxLabel': 'always',
  'security: maskedPaths and readOnlyPaths': 'always',
}

const capabilities: readonly Capability[] = [
  ...resourceDialects.pouchd.capabilities,
  'annotations',
  'chosen_id',
  'daemon_update',
  'disk_quota',
  'env_update',
  'exit_status_survives_restart',
  'intel_rdt',
  'label_update',
  'live_resource_update',
  'log_rotation',
  'log_timestamps',
  'netns_path',
  'pause',
  'quota_update',
  'rename',
  'restart_policy',
  'restart_update',
  'rich',
  'shared_attach',
  'stats',
  'top',
]

export const pouch: Dialect = {
  ...docker,
  name: 'pouchd',
  isSpokenBy: ({ info }) => typeof info['PouchRootDir'] === 'string',
  // Any version in the path is taken, and none is looked at.
  prefix: () => '/v1.24',
  errors: [...errors, ...pouchResourceErrors, ...dockerErrors],
  resources: resourceDialects.pouchd,
  fields,
  containers: {
    wait: 'plain',
    // Its own holds up a `kill` that comes meanwhile, but only so does a restart policy rest.
    stop: (facts, { restarts }) => (restarts || !isAtLeast131(facts) ? 'daemon' : 'signals'),
    signalsPaused: false,
    shortestStopSeconds: 1,
    // Its `t=0` is not none, and what comes of a policy is not known.
    restarts: false,
    stoppedStatus: 'stopped',
    forcedRemoval: 'stops',
    attach: 'raw',
    cutEndsStdin: false,
    execRefusals: [
      { pattern: /^failed to start exec, exec id .*(executable file not found|no such file or directory)/s, exitCode: 127 },
      { pattern: /^failed to start exec, exec id /, exitCode: 126 },
    ],
    filtersLabels: false,
    listsPaused: true,
    watchesExecs: true,
    historyLagMs: 0,
    logsLagMs: 300,
    tellsInMemory: true,
    tellsRestarts: true,
    networksAtCreate: () => Number.POSITIVE_INFINITY,
    extendBody: toPouchBody,
    extendUpdate: toPouchUpdates,
    refuseSpec: refusePouchSpec,
    refuseChange: refusePouchChange,
    createQuery: ({ id }) => (id === undefined ? {} : { specificId: id }),
    oneShotStats: () => true,
    topArguments: '-eo pid,ppid,uid,args',
    richInits: { 'dumb-init': ['dumb-init'], 'sbin-init': ['init'], systemd: ['systemd', 'init'] },
  },
  capabilities: (facts) => [
    ...capabilities,
    // It came with 1.3.1, and nothing else did that matters here.
    ...(isAtLeast131(facts) ? (['kill', 'stop_signal'] as const) : []),
    // The wish is taken and forgotten by a daemon that was started without it.
    ...(facts.info['LxcfsEnabled'] === true ? (['lxcfs'] as const) : []),
  ],
}

function isAtLeast131({ version }: DaemonFacts): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number)
  return major > 1 || (major === 1 && (minor > 3 || (minor === 3 && patch >= 1)))
}
