import { describe, expect, it } from 'vitest'
import { signalNumber, toExitStatus } from '../../../../../src/backends/host/tasks/exit-status.js'

const at = new Date('2024-05-06T07:08:09Z')
const facts = { exitedAt: at, sent: [], oomKilled: false } as const

describe('toExitStatus', () => {
  it('names no signal for 128 + n alone', () => {
    expect(toExitStatus({ ...facts, exitStatus: 137 })).toEqual({ exitCode: 137, exitedAt: at, oomKilled: false, lost: false })
  })
  it('names the one of those sent that fits, and none that does not', () => {
    expect(toExitStatus({ ...facts, exitStatus: 143, sent: ['SIGHUP', 'SIGTERM', 'SIGKILL'] }).signal).toBe('SIGTERM')
    expect(toExitStatus({ ...facts, exitStatus: 0, sent: ['SIGTERM'] })).not.toHaveProperty('signal')
  })
  it('names SIGKILL where the OOM killer is proved, and only for its code', () => {
    expect(toExitStatus({ ...facts, exitStatus: 137, oomKilled: true }).signal).toBe('SIGKILL')
    expect(toExitStatus({ ...facts, exitStatus: 1, oomKilled: true })).not.toHaveProperty('signal')
  })
  it('keeps an unread counter unknown and takes the clock where the shim gave no time', () => {
    const exit = toExitStatus({ exitStatus: 3, exitedAt: new Date(0), sent: [], oomKilled: undefined })
    expect(exit.oomKilled).toBeUndefined()
    expect(exit.exitedAt.getTime()).toBeGreaterThan(at.getTime())
  })
})
describe('signalNumber', () => {
  it('knows the realtime ones, which Node does not', () => {
    expect([signalNumber('SIGKILL'), signalNumber('SIGRTMIN'), signalNumber('SIGRTMIN+3'), signalNumber('SIGRTMAX-1')]).toEqual([
      9, 34, 37, 63,
    ])
  })
  it.each(['SIGNONE', 'SIGRTMIN+31', 'SIGRTMAX+1', 'SIGRTMIN-1'] as const)('throws invalid_argument for %s', (name) => {
    expect(() => signalNumber(name)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
})
