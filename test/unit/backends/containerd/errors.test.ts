import { status } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { isRefLocked, toEngineError } from '../../../../src/backends/containerd/errors.js'
import { EngineError } from '../../../../src/errors.js'

const map = (code: number, details: string) => toEngineError(Object.assign(new Error(details), { code, details }), { step: 'a.b' })

describe('toEngineError', () => {
  it.each([
    [status.NOT_FOUND, 'content x: not found', 'not_found'],
    [status.ALREADY_EXISTS, 'snapshot "x": already exists', 'already_exists'],
    [status.FAILED_PRECONDITION, 'cannot remove snapshot with child: failed precondition', 'failed_precondition'],
    [status.FAILED_PRECONDITION, 'unexpected commit digest sha256:a, expected sha256:b: failed precondition', 'data_loss'],
    [status.FAILED_PRECONDITION, '"x" failed size validation: 1 != 2: failed precondition', 'data_loss'],
    [status.OUT_OF_RANGE, 'read past object length 3 bytes', 'invalid_argument'],
    [status.OUT_OF_RANGE, 'write @3 must occur at current offset 4', 'conflict'],
    [status.UNKNOWN, 'failed to extract layer sha256:x: gzip: invalid header: unknown', 'data_loss'],
    [status.UNKNOWN, 'failed to get stream processor for x/y: no processor for media-type', 'unsupported'],
    [status.UNKNOWN, 'write /x: no space left on device: unknown', 'resource_exhausted'],
    [status.UNKNOWN, 'cannot delete a running process: unknown', 'failed_precondition'],
    [status.UNKNOWN, 'ttrpc: closed: unknown', 'unavailable'],
    [status.UNKNOWN, 'something else', 'internal'],
    [status.UNIMPLEMENTED, 'unknown service', 'unsupported'],
    [status.UNAVAILABLE, 'Connection dropped', 'unavailable'],
    [status.CANCELLED, 'context canceled', 'unavailable'],
    [status.DEADLINE_EXCEEDED, 'Deadline exceeded', 'unavailable'],
    [status.INTERNAL, 'Received RST_STREAM with code 2', 'unavailable'],
    [status.INTERNAL, 'a bug', 'internal'],
  ])('%i "%s" is %s', (code, details, expected) => {
    expect(map(code, details).code).toBe(expected)
  })
  it.each([
    ['connect ENOENT /x.sock', 'unavailable', 'nothing is there'],
    ['connect ECONNREFUSED /x.sock', 'unavailable', 'nobody answers'],
    ['connect EACCES /x.sock', 'permission_denied', 'no permission to use it'],
    ['connect EIO /x.sock', 'unavailable', 'no connection: EIO'],
  ])('says where there is no connection, and why: %s', (why, code, words) => {
    const error = toEngineError(
      Object.assign(new Error('x'), {
        code: status.UNAVAILABLE,
        details: `No connection established. Last error: Error: ${why}. Resolution note: `,
      }),
      { step: 'a.b', address: '/x.sock' },
    )
    expect(error).toMatchObject({ code, message: `containerd at "/x.sock": ${words}` })
  })
  it('makes one line that names the step where there is no subject, and keeps the cause', () => {
    const error = map(status.UNKNOWN, 'first\n  second: unknown')
    expect(error.message).toBe('containerd "a.b": first; second')
    expect(error.cause).toMatchObject({ code: status.UNKNOWN })
  })
  it('leaves an EngineError as it is', () => {
    const error = new EngineError('conflict', 'x')
    expect(toEngineError(error, { step: 'a.b' })).toBe(error)
  })
  it('tells what may be tried again', () => {
    expect(map(status.UNAVAILABLE, 'Connection dropped').retryable).toBe(true)
    expect(map(status.NOT_FOUND, 'x').retryable).toBe(false)
  })
})

describe('isRefLocked', () => {
  it('tells a locked ref from a lost connection', () => {
    expect(isRefLocked(map(status.UNAVAILABLE, 'ref ns/1/x locked for 176.2ms (since 2026-01-01 00:00:00 +0000 UTC): unavailable'))).toBe(
      true,
    )
    expect(isRefLocked(map(status.UNAVAILABLE, 'ref x locked: unavailable'))).toBe(true)
    expect(isRefLocked(map(status.UNAVAILABLE, 'Connection dropped'))).toBe(false)
    expect(isRefLocked(new Error('ref x locked for 1s'))).toBe(false)
  })
})
