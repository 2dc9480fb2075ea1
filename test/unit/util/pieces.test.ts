import { PassThrough, Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { pieces } from '../../../src/util/pieces.js'

const texts = async (source: AsyncIterable<Uint8Array>, into: string[] = []): Promise<string[]> => {
  for await (const piece of source) into.push(Buffer.from(piece).toString())
  return into
}

it('pieces that wait come out as they went in, not joined', async () => {
  const stream = new PassThrough()
  for (const text of ['one', 'two', 'three']) stream.write(text)
  stream.end()
  expect(await texts(pieces(stream))).toEqual(['one', 'two', 'three'])
})
it('an error comes behind the pieces that came before it', async () => {
  const stream = new Readable({ read() {} })
  stream.push('before')
  const came: string[] = []
  const reading = texts(pieces(stream), came)
  setImmediate(() => stream.destroy(new Error('broken')))
  await expect(reading).rejects.toThrow('broken')
  expect(came).toEqual(['before'])
})
it('a stream that is destroyed without an end is no whole one', async () => {
  const stream = new PassThrough()
  const reading = texts(pieces(stream))
  setImmediate(() => stream.destroy())
  await expect(reading).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
})
it('leaving early destroys the stream', async () => {
  const stream = new PassThrough()
  stream.write('one')
  for await (const _piece of pieces(stream)) break
  expect(stream.destroyed).toBe(true)
})
it('nothing is read that nobody has asked for, beyond what the stream itself holds', async () => {
  let read = 0
  const stream = new Readable({
    highWaterMark: 2,
    read() {
      read += 1
      this.push('xx')
    },
  })
  const iterator = pieces(stream)
  await iterator.next()
  await new Promise((resolve) => setImmediate(resolve))
  expect(read).toBeLessThan(6)
  await iterator.return?.()
})
