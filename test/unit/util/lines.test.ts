import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LineSplitter, splitLines } from '../../../src/util/lines.js'

function split(chunks: readonly Uint8Array[], max?: number): { text: string; partial: boolean; size: number }[] {
  const splitter = new LineSplitter(max)
  return [...chunks.flatMap((chunk) => [...splitter.push(chunk)]), ...splitter.end()].map(({ text, partial, bytes }) => ({
    text,
    partial,
    size: bytes.length,
  }))
}
const utf8 = (text: string): Uint8Array => Buffer.from(text)

it('lines are the same wherever the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'ü', '€', '🚀', '\n', '\r') })), fc.array(fc.nat(40)), (words, cuts) => {
      const whole = utf8(words.join(''))
      const chunks: Uint8Array[] = []
      let from = 0
      for (const cut of cuts) {
        chunks.push(whole.subarray(from, from + cut))
        from += cut
      }
      chunks.push(whole.subarray(from))
      const expected = words.join('').split('\n')
      if (expected.at(-1) === '') expected.pop()
      expect(split(chunks).map(({ text }) => text)).toEqual(expected)
    }),
  )
})

it('a line of exactly the limit is whole; one byte more makes a part, cut between characters', () => {
  expect(split([utf8('abcd'), utf8('\n')], 4)).toEqual([{ text: 'abcd', partial: false, size: 4 }])
  expect(split([utf8('abcde\n')], 4)).toEqual([
    { text: 'abcd', partial: true, size: 4 },
    { text: 'e', partial: false, size: 1 },
  ])
  expect(split([utf8('abc€d\n')], 4).map(({ text, partial }) => [text, partial])).toEqual([
    ['abc', true],
    ['€d', false],
  ])
  expect(split([Buffer.alloc(9, 0x80)], 4).map(({ size }) => size)).toEqual([4, 4, 1])
})

it('a megabyte without a newline becomes parts of 16 KiB, and only the last is not partial', () => {
  const lines = split([Buffer.alloc(1 << 20, 'x')])
  expect(lines).toHaveLength(64)
  expect(new Set(lines.map(({ size }) => size))).toEqual(new Set([16_384]))
  expect(lines.map(({ partial }) => partial).indexOf(false)).toBe(63)
})

it('splitLines ends with what has no newline', async () => {
  const lines: string[] = []
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    yield utf8('one\ntw')
    yield utf8('o\n\nlast')
  }
  for await (const { text } of splitLines(bytes())) lines.push(text)
  expect(lines).toEqual(['one', 'two', '', 'last'])
})
