import { fromBinary } from '@bufbuild/protobuf'
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { WriteAction, WriteContentRequestSchema } from '../../../../../src/backends/containerd/gen/content_pb.js'
import { Frames, frameBytes } from '../../../../../src/backends/containerd/storage/frames.js'

describe('Frames', () => {
  it.each([1, 100, 127, 128, 16_383, 16_384, frameBytes])('a frame of %i bytes is the message that protobuf would make', (size) => {
    const bytes = randomBytes(size)
    const frames = new Frames(2)
    expect(frames.fill(bytes)).toBe(size)
    for (const offset of [0, 1, 127, 128, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER]) {
      if (frames.filledBytes === 0) frames.fill(bytes)
      const message = fromBinary(WriteContentRequestSchema, frames.take(offset))
      expect(message).toMatchObject({ action: WriteAction.WRITE, offset: BigInt(offset), ref: '', total: 0n })
      expect(Buffer.from(message.data).equals(bytes)).toBe(true)
    }
  })
  it('takes no more than fits', () => {
    const frames = new Frames(2)
    expect(frames.fill(randomBytes(frameBytes - 1))).toBe(frameBytes - 1)
    expect(frames.isFull).toBe(false)
    expect(frames.fill(randomBytes(10))).toBe(1)
    expect(frames.isFull).toBe(true)
  })
  it('leaves a message alone while fewer than the window were begun after it', () => {
    const frames = new Frames(2)
    frames.fill(Buffer.from('first'))
    const first = frames.take(0)
    const copy = Buffer.from(first)
    frames.fill(Buffer.from('second'))
    expect(first.equals(copy)).toBe(true)
  })
})
