import { describe, expect, it } from 'vitest'
import { wholeTar } from '../../../../../src/backends/http/images/whole-tar.js'
import { chunks } from '../../../../setup/images.js'
import { tar } from '../../../../setup/tar.js'

async function read(bytes: Uint8Array, size: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of wholeTar(chunks(bytes, size), 'the archive of "a"')) parts.push(part)
  return Buffer.concat(parts)
}
const archive = tar([{ name: 'a', body: Buffer.alloc(3_000, 7) }])

describe('wholeTar', () => {
  it.each([1, 100, 511, 512, 1024, 1 << 20])('passes a whole one on, in pieces of %i bytes', async (size) => {
    expect((await read(archive, size)).equals(archive)).toBe(true)
  })
  it.each([1, 1024, 1 << 20])('rejects with the last words of a daemon that failed in the middle, in pieces of %i bytes', async (size) => {
    const said = '{"errorDetail":{"message":"layer is gone"},"error":"layer is gone"}\r\n'
    await expect(read(Buffer.concat([archive.subarray(0, 2_000), Buffer.from(said)]), size)).rejects.toMatchObject({
      code: 'data_loss',
      message: 'the archive of "a" ends early: layer is gone',
    })
  })
  it.each([0, 1, 512, archive.length - 1024, archive.length - 1])('rejects one that ends after %i bytes', async (length) => {
    // Between members nothing but the end tells.
    await expect(read(archive.subarray(0, length), 700)).rejects.toMatchObject({ code: 'data_loss' })
  })
})
