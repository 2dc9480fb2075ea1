import { describe, expect, it } from 'vitest'
import { DEFAULT_CAPABILITIES, grantedCapabilities } from '../../../../src/managers/spec/capabilities.js'
import { CAPABILITIES } from '../../../../src/oci/capabilities.js'
import type { SecuritySpec } from '../../../../src/model/container-spec.js'
import { build, host, without } from './sample.js'

const granted = (security: SecuritySpec, facts = host): readonly string[] => grantedCapabilities(security, facts)
const mask = (names: readonly string[]): string =>
  names.reduce((bits, name) => bits | (1n << BigInt(CAPABILITIES.indexOf(name))), 0n).toString(16)

describe('capabilities', () => {
  it("are Docker's fourteen by default", () => {
    expect(mask(granted({}))).toBe('a80425fb')
    expect(CAPABILITIES).toHaveLength(41)
  })
  it('leave inheritable and ambient empty', () => {
    expect(build().process.capabilities).toMatchObject({
      inheritable: [],
      ambient: [],
      effective: DEFAULT_CAPABILITIES,
      permitted: DEFAULT_CAPABILITIES,
    })
  })
  it('are added and dropped by name in any spelling', () => {
    expect(mask(granted({ capAdd: ['net_admin'], capDrop: ['CAP_MKNOD'] }))).toBe((0xa80425fbn - (1n << 27n) + (1n << 12n)).toString(16))
    expect(granted({ capAdd: ['CHOWN'], capDrop: ['CHOWN'] })).toContain('CAP_CHOWN')
  })
  it('of ALL dropped are only those added, of ALL added only those not dropped', () => {
    expect(granted({ capDrop: ['all'], capAdd: ['KILL'] })).toEqual(['CAP_KILL'])
    expect(granted({ capAdd: ['ALL'], capDrop: ['KILL'] })).toEqual(CAPABILITIES.filter((name) => name !== 'CAP_KILL'))
    expect(granted({ privileged: true, capDrop: ['KILL'] })).not.toContain('CAP_KILL')
  })
  it('are no more than the machine has, and one asked for by name is missed', () => {
    const poor = without('CAP_SYS_RESOURCE', 'CAP_CHOWN')
    expect(granted({}, poor)).toEqual(DEFAULT_CAPABILITIES.filter((name) => name !== 'CAP_CHOWN'))
    expect(granted({ privileged: true }, poor)).toEqual(poor.capabilities)
    expect(() => granted({ capAdd: ['SYS_RESOURCE'] }, poor)).toThrow(
      expect.objectContaining({ code: 'failed_precondition', message: expect.stringContaining('CAP_SYS_RESOURCE') as string }),
    )
  })
  it.each([[{ capAdd: ['ROOT'] }], [{ capDrop: ['CAP_'] }], [{ capAdd: [''] }]])('refuse the unknown in %j', (security) => {
    expect(() => granted(security)).toThrow(
      expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('security.cap') as string }),
    )
  })
})
