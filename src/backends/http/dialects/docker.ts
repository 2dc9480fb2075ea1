// Docker Engine, API 1.24 and later. Versions in comments are those of the API's own history (docs.docker.com/engine/api/version-history).
import type { Capability } from '../../../ports/backend/backend.js'
import { type Dialect, type ErrorRule, formatApiVersion } from '../dialect.js'
import { dockerResourceErrors } from './resource-errors.js'
import { resourceDialects } from '../resource-dialect.js'

/** What the daemon means by its words, where its status says less. */
export const dockerErrors: readonly ErrorRule[] = [
  { status: 409, message: /name .* is already in use|already exists|already taken|Conflict\. The container name/i, code: 'already_exists' },
  { status: 409, message: /removal of container .* is already in progress/i, code: 'conflict' },
  {
    status: 403,
    message: /already exists in network|is not running|active endpoints|operation is not permitted on predefined/i,
    code: 'failed_precondition',
  },
  { status: 500, message: /is not running|is not paused|is already paused|cannot be paused|not running/i, code: 'failed_precondition' },
  { status: 404, message: /unauthorized|authentication required|denied/i, code: 'permission_denied' },
  ...dockerResourceErrors,
  { status: 404, message: /page not found/, code: 'unsupported' },
  { status: 500, message: /unauthorized|authentication required|no basic auth credentials/i, code: 'unauthenticated' },
]

export const docker: Dialect = {
  name: 'docker',
  // The family's fallback: see `detect.ts`.
  isSpokenBy: () => true,
  prefix: (api) => `/v${formatApiVersion(api)}`,
  errors: dockerErrors,
  resources: resourceDialects.docker,
  capabilities: () => capabilities,
}

const capabilities: readonly Capability[] = [...resourceDialects.docker.capabilities]
