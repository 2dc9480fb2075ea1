import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { findSignalName, findSignalNumber, signalName, signalNumber } from '../../../src/oci/signals.js'

describe('signals', () => {
  it('agrees with this machine on every name that Node knows', () => {
    for (const [name, number] of Object.entries(constants.signals)) expect([name, signalNumber(name)]).toEqual([name, number])
  })
  it.each([
    ['SIGTERM', 15],
    ['term', 15],
    ['15', 15],
    ['SIGRTMIN+3', 37],
    ['RTMIN', 34],
    ['SIGRTMAX-1', 63],
    ['64', 64],
  ])('reads %s as %i', (text, number) => {
    expect(findSignalNumber(text)).toBe(number)
  })
  it.each(['', 'SIG', 'SIGFOO', '0', '65', '-1', '1.5', 'RTMIN-1', 'RTMIN+31', 'RTMAX+1', 'SIGTERM ', 'constructor'])(
    'does not know %j',
    (text) => {
      expect(findSignalNumber(text)).toBeUndefined()
      expect(() => signalNumber(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    },
  )
  it('has one name for every number, which leads back to it', () => {
    for (let number = 1; number <= 64; number += 1) expect(findSignalNumber(signalName(number))).toBe(number)
    expect(findSignalName('iot')).toBe('SIGABRT')
    expect(findSignalName('nothing')).toBeUndefined()
  })
})
