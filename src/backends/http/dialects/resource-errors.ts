// What daemons mean by what they say of files, networks, volumes and images. Seen on dockerd 20.10.24 and podman 4.3.1; pouchd's are in its recordings.
import type { ErrorRule } from '../dialect.js'

const archive = /^PUT .*\/archive$/
const networks = /\/networks\b/

export const dockerResourceErrors: readonly ErrorRule[] = [
  {
    request: archive,
    message: /rootfs is marked read-only|read-only file system|cannot overwrite|not a directory$/i,
    code: 'failed_precondition',
  },
  { request: archive, message: /is outside of|invalid (?:sym|hard)link|invalid tar header|unexpected EOF/i, code: 'invalid_argument' },
  { request: /^(?:GET|HEAD) .*\/archive$/, message: /not a directory|no such file or directory|too many .*links/i, code: 'not_found' },
  { request: networks, message: /overlaps with other one|already used on the host|conflicts with network/i, code: 'failed_precondition' },
  { request: networks, message: /non-overlapping|free (?:sub)?network|free subnet/i, code: 'resource_exhausted' },
  { request: networks, message: /already exists in network|already connected/i, code: 'already_exists' },
  { request: networks, message: /network .*(?:already exists|already used|name .* used)/i, code: 'already_exists' },
  {
    request: networks,
    message:
      /already in use|already allocated|not available in range|in private \(none\) mode|invalid network mode|host network mode|not in any subnet|no configured subnet|is being used/i,
    code: 'failed_precondition',
  },
  { message: /plugin .* not found|unsupported driver|no volume plugin|required plugin missing/i, code: 'unsupported' },
  { request: networks, message: /invalid (?:subnet|CIDR|pool)/i, code: 'invalid_argument' },
]

export const podmanResourceErrors: readonly ErrorRule[] = [
  { request: archive, message: /file exists|exists but is not a directory|not a directory/i, code: 'failed_precondition' },
]

/** Everything but a few is a 500 here. */
export const pouchResourceErrors: readonly ErrorRule[] = [
  // A registry that cannot be reached is "not found" to it.
  { status: 404, request: /\/images\//, message: /failed to do request|dial tcp|connection refused/i, code: 'unavailable' },
  { status: 409, message: /already existed/i, code: 'already_exists' },
  { status: 400, request: /\/tag$/, message: /has been used as reference/, code: 'conflict' },
  { status: 500, request: archive, message: /not dir position|rootfs read only/i, code: 'failed_precondition' },
  { status: 500, request: /\/archive$/, message: /no such file or directory|not exist|not found/i, code: 'not_found' },
  {
    status: 500,
    request: /^DELETE .*\/(?:images|networks|volumes)\//,
    message: /in use|using|has active endpoints|in used/i,
    code: 'failed_precondition',
  },
]
