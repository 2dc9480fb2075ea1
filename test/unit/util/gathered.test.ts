import { expect, it } from 'vitest'
import { Gathered } from '../../../src/util/gathered.js'

it('what is gathered in pieces is taken as one, and nothing is left', () => {
  const gathered = new Gathered()
  const pieces = Array.from({ length: 10_000 }, (_, index) => Buffer.from(String(index)))
  for (const piece of pieces) gathered.add(piece)
  expect(gathered.size).toBe(Buffer.concat(pieces).length)
  expect(gathered.take().equals(Buffer.concat(pieces))).toBe(true)
  expect(gathered.size).toBe(0)
  expect(gathered.take().length).toBe(0)
})

it('one piece is not copied, and a later one does not write into it', () => {
  const gathered = new Gathered()
  const first = Buffer.from('first')
  gathered.add(new Uint8Array())
  gathered.add(first)
  expect(gathered.take().buffer).toBe(first.buffer)
  gathered.add(first)
  gathered.add(Buffer.from(' and more'))
  const all = gathered.take()
  gathered.add(Buffer.from('x'))
  gathered.add(Buffer.from('y'.repeat(20)))
  expect(all.toString()).toBe('first and more')
  expect(first.toString()).toBe('first')
})
