import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isEngineError } from '../../../src/errors.js'
import { encodeFileName } from '../../../src/util/file-name.js'

it('every text becomes a file name of its own that is neither hidden nor a path', () => {
  const texts = fc.oneof(
    fc.string({ minLength: 1, unit: 'binary' }),
    fc.constantFrom('.', '..', '.x', 'a/b', '../..', 'ü', '%2E', `${'x'.repeat(300)}`, `${'x'.repeat(301)}`),
  )
  fc.assert(
    fc.property(texts, texts, (one, other) => {
      const name = encodeFileName(one)
      expect(name).toMatch(/^[^./][^/\0]{0,250}$/)
      expect(name === encodeFileName(other)).toBe(one === other)
    }),
  )
})

it('what is no text is invalid_argument', () => {
  for (const text of ['', '\ud800'])
    expect(() => encodeFileName(text)).toThrow(expect.toSatisfy((error) => isEngineError(error, 'invalid_argument')))
})
