// The one place where what a daemon says, or its connection, becomes an EngineError.
import { EngineError, type ErrorCode, isEngineError } from '../../errors.js'
import type { Method, Subject } from './calls.js'
import type { ErrorRule } from './dialect.js'

/** What a daemon answered that was no success; the `cause` of the EngineError. */
export class HttpFailure extends Error {
  override readonly name: string = 'HttpFailure'
  readonly status: number
  /** The daemon's own words, or the body when it was no JSON. */
  readonly said: string
  constructor(request: RequestName, status: number, said: string) {
    super(`${request.method} ${request.path} answered ${status}: ${said === '' ? '(nothing)' : said}`)
    this.status = status
    this.said = said
  }
}
/** The connection was cut in the middle of an answer, or of what it carried. */
export class CutShort extends Error {
  override readonly name: string = 'CutShort'
}
/** `ssh`, or what it was to start, ended before it said anything. */
export class SshFailure extends Error {
  override readonly name: string = 'SshFailure'
  readonly exitCode: number | undefined
  constructor(stderr: string, exitCode: number | undefined) {
    super(stderr === '' ? `ssh ended with exit code ${exitCode ?? 'unknown'}` : stderr)
    this.exitCode = exitCode
  }
}
export interface RequestName {
  readonly method: Method
  /** Without version and query. */
  readonly path: string
}
export interface ErrorContext {
  readonly request: RequestName
  /** Where it is. Absent in what is told of a single answer. */
  readonly daemon?: string | undefined
  readonly subject?: Subject | undefined
  /** Of the dialect; none while it is not known. */
  readonly rules?: readonly ErrorRule[] | undefined
}

const statuses: Readonly<Partial<Record<number, ErrorCode>>> = {
  // It is so already, where that is no success.
  304: 'failed_precondition',
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  405: 'unsupported',
  406: 'invalid_argument',
  409: 'failed_precondition',
  413: 'resource_exhausted',
  429: 'resource_exhausted',
  431: 'invalid_argument',
  501: 'unsupported',
  502: 'unavailable',
  503: 'unavailable',
  504: 'unavailable',
  507: 'resource_exhausted',
}

/** Podman prepares a container when it is attached to. */
const starting = /^POST .*\/(start|restart|attach)$/

// What every daemon of the family says in the same words, whatever status it chose for it: most of it comes from runc, crun or the kernel.
const shared: readonly ErrorRule[] = [
  { message: /no space left on device|disk quota exceeded/i, code: 'resource_exhausted' },
  { request: /^POST .*\/(start|restart)$/, message: /port is already allocated|address already in use/i, code: 'failed_precondition' },
  // Go's own words, whichever daemon it serves.
  { status: 400, message: /HTTP request to an HTTPS server/, code: 'failed_precondition' },
  {
    message: /executable file .*not found|exec: .*no such file or directory|stat .*: no such file or directory: unknown/i,
    request: starting,
    code: 'failed_precondition',
    exitCode: 127,
  },
  {
    message:
      /exec: .*permission denied|exec: .*is a directory|exec .*: (exec format error|permission denied)|cannot execute|chdir to cwd|workdir .* is not a directory/i,
    request: starting,
    code: 'failed_precondition',
    exitCode: 126,
  },
]

// Of Node and undici. Everything else that breaks a connection is `unavailable` as well.
const connection: Readonly<Record<string, { readonly code: ErrorCode; readonly words: string }>> = {
  ENOENT: { code: 'unavailable', words: 'nothing is there' },
  ENOTSOCK: { code: 'unavailable', words: 'it is not a socket' },
  ECONNREFUSED: { code: 'unavailable', words: 'nobody answers' },
  EACCES: { code: 'permission_denied', words: 'no permission to use it' },
  EPERM: { code: 'permission_denied', words: 'no permission to use it' },
  ENOTFOUND: { code: 'unavailable', words: 'the host is not known' },
  EMFILE: { code: 'resource_exhausted', words: 'too many open files' },
  ENFILE: { code: 'resource_exhausted', words: 'too many open files' },
  UND_ERR_HEADERS_TIMEOUT: { code: 'unavailable', words: 'no answer in time' },
  UND_ERR_BODY_TIMEOUT: { code: 'unavailable', words: 'no answer in time' },
  UND_ERR_HEADERS_OVERFLOW: { code: 'internal', words: 'the head of its answer is too long' },
  HPE_HEADER_OVERFLOW: { code: 'internal', words: 'the head of its answer is too long' },
  HPE_INVALID_CONSTANT: { code: 'internal', words: 'what it says is not HTTP' },
  CERT_HAS_EXPIRED: { code: 'permission_denied', words: 'its certificate has expired' },
  DEPTH_ZERO_SELF_SIGNED_CERT: { code: 'permission_denied', words: 'its certificate is not trusted' },
  SELF_SIGNED_CERT_IN_CHAIN: { code: 'permission_denied', words: 'its certificate is not trusted' },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: { code: 'permission_denied', words: 'its certificate is not trusted' },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: { code: 'permission_denied', words: 'its certificate is not trusted' },
  ERR_TLS_CERT_ALTNAME_INVALID: { code: 'permission_denied', words: 'its certificate is for another host' },
  ERR_SSL_WRONG_VERSION_NUMBER: { code: 'failed_precondition', words: 'it does not speak TLS' },
}
/** What the other side says of ours; a server of TLS 1.3 says it only when the handshake is over. */
const ourCertificate = /^ERR_SSL_\w*ALERT_\w*(CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)/

/** An EngineError comes back as it is. Aborts must not be passed: they reject with the signal's reason. */
export function toEngineError(error: unknown, context: ErrorContext): EngineError {
  if (isEngineError(error)) return error
  return error instanceof HttpFailure ? fromAnswer(error, context) : fromConnection(error, context)
}

function fromAnswer(failure: HttpFailure, { request, subject, rules = [] }: ErrorContext): EngineError {
  const rule = [...rules, ...shared].find((one) => matches(one, failure, request))
  const code = rule?.code ?? statuses[failure.status] ?? 'internal'
  const about = subject === undefined ? `${request.method} "${request.path}"` : `${subject.kind} "${subject.id}"`
  return new EngineError(code, `${about}: ${failure.said === '' ? `the daemon answered ${failure.status}` : oneLine(failure.said)}`, {
    cause: failure,
    subject,
    retryable: code === 'unavailable' || code === 'conflict',
    exitCode: rule?.exitCode,
  })
}

function matches({ status, request, message }: ErrorRule, failure: HttpFailure, { method, path }: RequestName): boolean {
  return (
    (status === undefined || status === failure.status) &&
    (request === undefined || request.test(`${method} ${path}`)) &&
    (message === undefined || message.test(failure.said))
  )
}

const refusedBySsh = /permission denied|host key verification failed|authentication fail/i

function fromConnection(error: unknown, { request, daemon, subject }: ErrorContext): EngineError {
  if (error instanceof SshFailure) {
    const to = refusedBySsh.test(error.message) ? 'permission_denied' : 'unavailable'
    return new EngineError(to, `ssh: ${oneLine(error.message)}`, { cause: error, subject, retryable: to === 'unavailable' })
  }
  const { code = '', name = '', message = String(error) } = error as Partial<NodeJS.ErrnoException>
  // undici's own parser error often has no code.
  const known =
    connection[code] ??
    (ourCertificate.test(code)
      ? { code: 'permission_denied' as const, words: 'it does not take our certificate, or wants one' }
      : undefined) ??
    (code.startsWith('HPE_') || name === 'HTTPParserError' ? { code: 'internal' as const, words: 'what it says is not HTTP' } : undefined)
  const to = known?.code ?? (error instanceof TypeError ? 'internal' : 'unavailable')
  const words = known?.words ?? (error instanceof CutShort ? message : `the connection broke: ${code || oneLine(message)}`)
  return new EngineError(to, `the daemon${daemon === undefined ? '' : ` "${daemon}"`} at ${request.method} "${request.path}": ${words}`, {
    cause: error,
    subject,
    retryable: to === 'unavailable',
  })
}

function oneLine(text: string): string {
  return text
    .replace(/\s*\n\s*/g, '; ')
    .replace(/: unknown$/, '')
    .replace(/; $/, '')
    .trim()
    .slice(0, 2_000)
}
