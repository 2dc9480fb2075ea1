// The one place where errors of the file system become ours.
import { EngineError, type ErrorCode, isEngineError } from '../errors.js'

const codes: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'not_found',
  EEXIST: 'already_exists',
  ENOTDIR: 'failed_precondition',
  EISDIR: 'failed_precondition',
  ELOOP: 'failed_precondition',
  ENOTEMPTY: 'failed_precondition',
  EBUSY: 'failed_precondition',
  EXDEV: 'failed_precondition',
  EROFS: 'failed_precondition',
  ETXTBSY: 'failed_precondition',
  EACCES: 'permission_denied',
  EPERM: 'permission_denied',
  ENAMETOOLONG: 'invalid_argument',
  ERR_INVALID_ARG_VALUE: 'invalid_argument',
  ENOSPC: 'resource_exhausted',
  EDQUOT: 'resource_exhausted',
  EMFILE: 'resource_exhausted',
  ENFILE: 'resource_exhausted',
  EMLINK: 'resource_exhausted',
  EFBIG: 'resource_exhausted',
  EOPNOTSUPP: 'unsupported',
  ENOTSUP: 'unsupported',
}

export function hasErrno(error: unknown, code: string): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === code
}

/** Full, or more than a quota grants. */
export function hasNoRoom(error: unknown): boolean {
  return hasErrno(error, 'ENOSPC') || hasErrno(error, 'EDQUOT') || isEngineError(error, 'resource_exhausted')
}

/**
 * `what` names the thing as the caller calls it, e.g. `file "/etc/passwd"`: the path in the error itself may be a
 * descriptor's. Anything but a failed system call is handed back as it is: an abort's reason above all.
 */
export function fsError(error: unknown, what: string): unknown {
  if (!(error instanceof Error)) return error
  const { code, syscall } = error as NodeJS.ErrnoException
  if (typeof code !== 'string' || (typeof syscall !== 'string' && code !== 'ERR_INVALID_ARG_VALUE')) return error
  return new EngineError(codes[code] ?? 'internal', `${what}: ${explain(code)}`, { cause: error })
}

function explain(code: string): string {
  switch (code) {
    case 'ENOENT':
      return 'not found'
    case 'EEXIST':
      return 'is there already'
    case 'ENOTDIR':
      return 'not a directory'
    case 'EISDIR':
      return 'is a directory'
    case 'ENOTEMPTY':
      return 'not empty'
    case 'EROFS':
      return 'read-only file system'
    case 'ENOSPC':
      return 'no space left'
    default:
      return code
  }
}
