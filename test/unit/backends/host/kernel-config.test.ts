import { describe, expect, it } from 'vitest'
import { furtherAbis } from '../../../../src/backends/host/kernel-config.js'

describe('furtherAbis', () => {
  it('tells what is built in', () => {
    expect(furtherAbis('CONFIG_IA32_EMULATION=y\nCONFIG_X86_X32_ABI=y\n')).toEqual(['i386', 'x32'])
  })
  it('tells what is not', () => {
    expect(
      furtherAbis('# CONFIG_IA32_EMULATION is not set\nCONFIG_IA32_EMULATION_DEFAULT_DISABLED=y\n# CONFIG_X86_X32_ABI is not set\n'),
    ).toEqual([])
  })
  it('knows the older name of x32', () => {
    expect(furtherAbis('CONFIG_X86_X32=y\n')).toEqual(['x32'])
  })
  it('does not guess without a configuration', () => {
    expect(furtherAbis(undefined)).toBeUndefined()
  })
})
