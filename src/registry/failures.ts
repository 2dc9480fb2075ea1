// What went wrong with a registry, as our errors. Addresses appear by host only: a redirect's query may hold a signature.
import { EngineError } from '../errors.js'

const transient = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'HPE_INVALID_EOF_STATE',
  'CONNECT_TIMEOUT',
  'HEADERS_TIMEOUT',
  'BODY_TIMEOUT',
  'CUT',
])
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'name service does not answer',
  ETIMEDOUT: 'timed out',
  CONNECT_TIMEOUT: 'no connection in time',
  HEADERS_TIMEOUT: 'no answer in time',
  BODY_TIMEOUT: 'it sends nothing any more',
  CUT: 'connection closed in the middle of an answer',
}

export function networkFailure(host: string, error: unknown): EngineError {
  const code = codeOf(error) ?? (error instanceof Error ? error.name : 'failed')
  return new EngineError('unavailable', `registry "${host}" cannot be reached: ${reasons[code] ?? code}`, { cause: error, retryable: true })
}
/** The answer ended before all of it was there, and nothing below has noticed. */
export function cutFailure(host: string): EngineError {
  return networkFailure(host, cutError())
}
export function cutError(): Error {
  return Object.assign(new Error('the answer ended early'), { code: 'CUT' })
}
/** Whether the next attempt may well succeed. A refused connection or an unknown name will not. */
export function isTransient(error: unknown): error is EngineError {
  return error instanceof EngineError && error.code === 'unavailable' && transient.has(codeOf(error.cause) ?? '')
}

/** `what` names the thing asked for, e.g. `image "a:1"`. */
export function statusFailure(status: number, what: string, host: string, detail: string = ''): EngineError {
  const from = `registry "${host}"`
  if (status === 401)
    return new EngineError('unauthenticated', `${from} gives ${what} only to known users, or has none of that name${detail}`)
  if (status === 403) return new EngineError('permission_denied', `${from} refuses ${what}${detail}`)
  if (status === 404 || status === 410) return new EngineError('not_found', `${from} has no ${what}${detail}`)
  if (status === 429)
    return new EngineError('resource_exhausted', `${from} limits the rate of requests: ${what} was refused${detail}`, { retryable: true })
  if (status === 408 || status >= 500)
    return new EngineError('unavailable', `${from} answers ${status} for ${what}${detail}`, { retryable: true })
  return new EngineError('internal', `${from} answers ${status} for ${what}${detail}`)
}
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 429 || (status >= 500 && status !== 501 && status !== 505)
}

function codeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code
  }
  return undefined
}
