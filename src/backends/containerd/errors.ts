// The one place where containerd's answers become EngineErrors.
import { type ServiceError, status } from '@grpc/grpc-js'
import { EngineError, type EngineErrorOptions, type ErrorCode, isEngineError } from '../../errors.js'

export interface ErrorContext {
  /** The call, e.g. `snapshots.prepare`. */
  readonly step: string
  /** Where the daemon is. */
  readonly address?: string | undefined
  /** What it was about; named in the message. */
  readonly subject?: { readonly kind: string; readonly id: string } | undefined
}

const codes: Readonly<Partial<Record<number, ErrorCode>>> = {
  [status.CANCELLED]: 'unavailable', // not by us: an abort never comes here
  [status.INVALID_ARGUMENT]: 'invalid_argument',
  [status.DEADLINE_EXCEEDED]: 'unavailable',
  [status.NOT_FOUND]: 'not_found',
  [status.ALREADY_EXISTS]: 'already_exists',
  [status.PERMISSION_DENIED]: 'permission_denied',
  [status.RESOURCE_EXHAUSTED]: 'resource_exhausted',
  [status.FAILED_PRECONDITION]: 'failed_precondition',
  [status.ABORTED]: 'conflict',
  [status.OUT_OF_RANGE]: 'invalid_argument',
  [status.UNIMPLEMENTED]: 'unsupported',
  [status.UNAVAILABLE]: 'unavailable',
  [status.DATA_LOSS]: 'data_loss',
  [status.UNAUTHENTICATED]: 'unauthenticated',
}

// What containerd, its shims and the runtimes say in words only: most of it arrives as UNKNOWN. First match wins.
const texts: readonly { readonly pattern: RegExp; readonly code: ErrorCode }[] = [
  { pattern: /must occur at current offset/, code: 'conflict' }, // another wrote to the same ingest in between
  { pattern: /unexpected commit (digest|size)|failed size validation|unexpected digest/, code: 'data_loss' },
  { pattern: /gzip: invalid|invalid tar header|unexpected EOF$/i, code: 'data_loss' },
  { pattern: /no processor for media-type/, code: 'unsupported' },
  { pattern: /no space left on device|disk quota exceeded/i, code: 'resource_exhausted' },
  {
    pattern: /cannot (start|delete|exec|pause|resume|checkpoint) (a|in a|an?) .*(process|container|state)|process already finished/,
    code: 'failed_precondition',
  },
  { pattern: /ttrpc: closed|shim .*(exited|disconnected)|connection (refused|reset)/i, code: 'unavailable' },
]
const worded: ReadonlySet<number | undefined> = new Set([status.UNKNOWN, status.FAILED_PRECONDITION, status.INTERNAL, status.OUT_OF_RANGE])
const transport =
  /Connection dropped|No connection established|ECONN|ENOENT|read |write |Received RST_STREAM|session|Stream removed|transport|GOAWAY/i

/** Why there is no connection gRPC tells in words only. */
const unconnected = /No connection established\. Last error: (?:Error: connect (E[A-Z]+)|(Protocol error))?/
const connection: Readonly<Record<string, { readonly code: ErrorCode; readonly words: string }>> = {
  ENOENT: { code: 'unavailable', words: 'nothing is there' },
  ECONNREFUSED: { code: 'unavailable', words: 'nobody answers' },
  ENOTSOCK: { code: 'unavailable', words: 'it is not a socket' },
  EACCES: { code: 'permission_denied', words: 'no permission to use it' },
  EPERM: { code: 'permission_denied', words: 'no permission to use it' },
  'Protocol error': { code: 'unavailable', words: 'what answers there does not speak gRPC' },
}

/** An EngineError comes back as it is. Aborts must not be passed: they reject with the signal's reason. */
export function toEngineError(error: unknown, { step, address = '', subject }: ErrorContext): EngineError {
  if (isEngineError(error)) return error
  const { code, details } = error as Partial<ServiceError>
  const text = oneLine(details ?? (error instanceof Error ? error.message : String(error)))
  const [isUnconnected, errno, other] = unconnected.exec(text) ?? []
  if (isUnconnected !== undefined) {
    const why = connection[errno ?? other ?? ''] ?? { code: 'unavailable', words: `no connection: ${errno ?? 'it hangs up'}` }
    const retryable = why.code === 'unavailable'
    return new EngineError(why.code, `containerd at "${address}": ${why.words}`, { cause: error, subject, retryable })
  }
  const words = worded.has(code) ? texts.find(({ pattern }) => pattern.test(text)) : undefined
  const lost = code === status.INTERNAL && transport.test(text)
  const to: ErrorCode = words?.code ?? (lost ? 'unavailable' : (codes[code ?? status.UNKNOWN] ?? 'internal'))
  const options: EngineErrorOptions = {
    cause: error,
    subject,
    retryable: to === 'unavailable' || to === 'conflict',
  }
  const about = subject === undefined ? `containerd "${step}"` : `${subject.kind} "${subject.id}"`
  return new EngineError(to, `${about}: ${code === status.DEADLINE_EXCEEDED ? `no answer to "${step}" in time` : text}`, options)
}

/** Another stream writes to the same ingest: over as soon as that one ends, so not a lost connection. */
export function isRefLocked(error: unknown): boolean {
  return isEngineError(error, 'unavailable') && / locked( for |: unavailable)/.test(error.message)
}

function oneLine(text: string): string {
  return text
    .replace(/\s*\n\s*/g, '; ')
    .replace(/: unknown$/, '')
    .trim()
}
