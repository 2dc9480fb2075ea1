import { describe, expect, it } from 'vitest'
import { UNLIMITED, encodeSpec } from '../../../src/oci/runtime-spec.js'

describe('encodeSpec', () => {
  it('writes 2^64-1 for an unlimited number, and leaves texts alone', () => {
    const text = encodeSpec({ rlimits: [{ soft: UNLIMITED, hard: 5 }], env: [`A="${UNLIMITED}\\"`, String(UNLIMITED)] })
    expect(text).toContain('"soft":18446744073709551615,"hard":5')
    expect(JSON.parse(text)).toMatchObject({ env: [`A="${UNLIMITED}\\"`, String(UNLIMITED)] })
  })
  it('is valid for 64-bit readers even as plain JSON', () => {
    expect(BigInt(JSON.stringify(UNLIMITED)) < 2n ** 64n).toBe(true)
  })
})
