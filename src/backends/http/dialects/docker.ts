// Docker Engine, API 1.24 and later. Versions in comments are those of the API's own history (docs.docker.com/engine/api/version-history).
import type { Capability } from '../../../ports/backend/backend.js'
import { apiAtLeast, formatApiVersion } from '../api-version.js'
import type { Dialect, ErrorRule } from '../dialect.js'
import { dockerResourceErrors } from './resource-errors.js'
import { resourceDialects } from '../resource-dialect.js'
import type { FieldTable } from '../wire/spec-fields.js'

/** What the daemon means by its words, where its status says less. */
export const dockerErrors: readonly ErrorRule[] = [
  { status: 409, message: /name .* is already in use|already exists|already taken|Conflict\. The container name/i, code: 'already_exists' },
  { status: 409, message: /removal of container .* is already in progress/i, code: 'conflict' },
  {
    status: 403,
    message: /already exists in network|is not running|active endpoints|operation is not permitted on predefined/i,
    code: 'failed_precondition',
  },
  { message: /multiple IDs found|ambiguous/i, code: 'invalid_argument' },
  { message: /is not running|is not paused|is already paused|is paused|cannot be paused|not running/i, code: 'failed_precondition' },
  { message: /unable to find (user|group)|no matching entries in (passwd|group) file/i, code: 'failed_precondition' },
  { message: /cannot mkdir: .* is not a directory/i, code: 'failed_precondition', exitCode: 126 },
  { message: /error gathering device information|not a device node/i, code: 'invalid_argument' },
  { message: /decoding seccomp profile|seccomp/i, code: 'invalid_argument' },
  {
    message: /is not in a separate kernel namespace|is not allowed, (conflicts|as it)|unknown capability|invalid capability/i,
    code: 'invalid_argument',
  },
  { message: /configured logging driver does not support reading/i, code: 'unsupported' },
  { status: 404, message: /unauthorized|authentication required|denied/i, code: 'permission_denied' },
  ...dockerResourceErrors,
  { status: 404, message: /page not found/, code: 'unsupported' },
  { status: 500, message: /unauthorized|authentication required|no basic auth credentials/i, code: 'unauthenticated' },
  { status: 500, message: /invalid reference format|cannot overwrite digest/i, code: 'invalid_argument' },
  { status: 500, message: /cpu quota|CPUs are available|Range of CPUs|invalid (memory|cpu)/i, code: 'invalid_argument' },
]

/** Source: the history of the API, by the version that brought a field. */
const fields: FieldTable = {
  cgroupParent: 'always',
  'health.startPeriodMs': [1, 29],
  'ipcMode: shareable or none': [1, 32],
  'mounts: createSource': 'always',
  'mounts: createSource by Mounts': [1, 42],
  'mounts: subPath': [1, 45],
  'networks: several': 'always',
  'networks: mac': 'always',
  'networks: priority': [1, 48],
  'resources.blockIo': 'always',
  'resources.cpus': [1, 25],
  'security.apparmor': 'always',
  'security.seccomp': 'always',
  'security.seccomp: profile': 'always',
  'security.selinuxLabel': 'always',
  'security: maskedPaths and readOnlyPaths': [1, 38],
}

export const docker: Dialect = {
  name: 'docker',
  // The family's fallback: see `detect.ts`.
  isSpokenBy: () => true,
  prefix: (api) => `/v${formatApiVersion(api)}`,
  errors: dockerErrors,
  resources: resourceDialects.docker,
  fields,
  containers: {
    wait: 'conditions',
    stop: () => 'signals',
    signalsPaused: true,
    shortestStopSeconds: 0,
    restarts: true,
    forcedRemoval: 'kills',
    attach: 'frames',
    cutEndsStdin: false,
    execRefusals: [
      { pattern: /^OCI runtime exec failed: .*(executable file not found|no such file or directory)/s, exitCode: 127 },
      { pattern: /^OCI runtime exec failed: /, exitCode: 126 },
    ],
    filtersLabels: true,
    listsPaused: true,
    watchesExecs: true,
    historyLagMs: 0,
    logsLagMs: 0,
    // In memory: `eventsLimit` of its events service.
    keepsEvents: 256,
    tellsInMemory: true,
    tellsRestarts: true,
    networksAtCreate: (api) => (apiAtLeast(api, 1, 44) ? Number.POSITIVE_INFINITY : 1),
    oneShotStats: (api) => apiAtLeast(api, 1, 41),
    topArguments: '-eo pid,ppid,uid,args',
  },
  capabilities: ({ api }) =>
    capabilities.flatMap((one): Capability[] => {
      if (typeof one === 'string') return [one]
      const [capability, major, minor] = one
      return apiAtLeast(api, major, minor) ? [capability] : []
    }),
}

/** Those of a later API with its version. */
const capabilities: readonly (Capability | readonly [Capability, number, number])[] = [
  ...resourceDialects.docker.capabilities,
  ['annotations', 1, 43],
  'attach_again',
  'event_history',
  ['exec_working_dir', 1, 35],
  'exit_status_survives_restart',
  'health',
  ['init', 1, 25],
  'kill',
  'live_resource_update',
  'log_rotation',
  'log_timestamps',
  'networks',
  'pause',
  ['platform', 1, 41],
  'rename',
  'restart_on_failure',
  'restart_policy',
  'restart_update',
  'separate_streams',
  'shared_attach',
  'stats',
  'stop_signal',
  ['tmpfs', 1, 25],
  'top',
]
