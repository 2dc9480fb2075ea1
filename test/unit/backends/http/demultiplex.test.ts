import { describe, expect, it } from 'vitest'
import { demultiplex, Demultiplexer } from '../../../../src/backends/http/demultiplex.js'
import type { OutputChunk } from '../../../../src/ports/streams.js'
import { frame } from '../../../setup/scripted-daemon.js'

async function* pieces(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}
async function read(...chunks: readonly Uint8Array[]): Promise<OutputChunk[]> {
  const all: OutputChunk[] = []
  for await (const chunk of demultiplex(pieces(...chunks))) all.push(chunk)
  return all
}
const text = (chunks: readonly OutputChunk[], stream: 'stdout' | 'stderr'): string =>
  Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map(({ bytes }) => bytes)).toString()

describe('demultiplex', () => {
  it('tells the streams apart, wherever headers and payloads are cut', async () => {
    const whole = Buffer.concat([frame('stdout', 'out é'), frame('stderr', 'err'), frame('stdout', ''), frame('stdout', ' again')])
    for (let at = 0; at <= whole.length; at += 1) {
      const chunks = await read(whole.subarray(0, at), whole.subarray(at))
      expect([text(chunks, 'stdout'), text(chunks, 'stderr')]).toEqual(['out é again', 'err'])
    }
    const single = await read(...[...whole].map((byte) => Uint8Array.of(byte)))
    expect([text(single, 'stdout'), text(single, 'stderr')]).toEqual(['out é again', 'err'])
  })

  it('keeps the order of what one read brings', async () => {
    const chunks = await read(Buffer.concat([frame('stdout', 'a'), frame('stdout', 'b'), frame('stderr', 'c'), frame('stdout', 'd')]))
    expect(chunks.map(({ stream, bytes }) => [stream, Buffer.from(bytes).toString()])).toEqual([
      ['stdout', 'ab'],
      ['stderr', 'c'],
      ['stdout', 'd'],
    ])
  })

  it('takes 200 000 frames of one byte in one read as one chunk', async () => {
    const one = frame('stdout', 'x')
    const chunks = await read(Buffer.concat(Array<Buffer>(200_000).fill(one)))
    expect(chunks.length).toBe(1)
    expect(chunks[0]?.bytes.length).toBe(200_000)
  })

  it('passes a frame of 16 MiB on as it comes, holding none of it', async () => {
    const whole = frame('stderr', Buffer.alloc(16 << 20, 'y'))
    const sizes: number[] = []
    const chunks = Array.from({ length: Math.ceil(whole.length / 65_536) }, (_, index) =>
      whole.subarray(index * 65_536, (index + 1) * 65_536),
    )
    for await (const { bytes } of demultiplex(pieces(...chunks))) sizes.push(bytes.length)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(65_536)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(16 << 20)
  })

  it('rejects an end within a header or a payload', async () => {
    const whole = frame('stdout', 'abc')
    for (const at of [1, 7, 8, 10]) await expect(read(whole.subarray(0, at))).rejects.toThrow(/middle of a frame/)
  })

  it("rejects what is no frame, and the daemon's own error with its words", async () => {
    await expect(read(Buffer.from('hello world'))).rejects.toMatchObject({ code: 'internal', message: /no frame/ })
    const error = frame('stdout', 'it broke\n')
    error[0] = 3
    await expect(read(frame('stdout', 'before'), error)).rejects.toMatchObject({ code: 'internal', message: /it broke/ })
  })

  it('says where frames begin and end', () => {
    const frames = new Demultiplexer()
    const whole = Buffer.concat([frame('stdout', 'abcd'), frame('stdout', 'e')])
    const told = [...frames.push(whole.subarray(0, 10)), ...frames.push(whole.subarray(10))]
    expect(told.map(({ bytes, first, last }) => [Buffer.from(bytes).toString(), first, last])).toEqual([
      ['ab', true, false],
      ['cd', false, true],
      ['e', true, true],
    ])
  })
})
