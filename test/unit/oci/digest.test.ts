import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { digestAlgorithm, digestHex, digestOf, digestOfStream, hashing, isDigest, parseDigest, verified } from '../../../src/oci/digest.js'

const hello = `sha256:${createHash('sha256').update('hello').digest('hex')}` as const
async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}
async function collect(source: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return Buffer.concat(parts).toString()
}

describe('digests', () => {
  it('takes sha256 and sha512 in lower case, and nothing else', () => {
    expect(parseDigest(hello)).toBe(hello)
    expect(digestAlgorithm(parseDigest(`sha512:${'a'.repeat(128)}`))).toBe('sha512')
    for (const text of [
      '',
      'sha256',
      'sha256:',
      `sha256:${'a'.repeat(63)}`,
      `sha256:${'A'.repeat(64)}`,
      `md5:${'a'.repeat(32)}`,
      `sha512:${'a'.repeat(64)}`,
      ` ${hello}`,
      `${hello}\n`,
    ]) {
      expect(isDigest(text)).toBe(false)
      expect(() => parseDigest(text)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
    }
  })

  it('hashes bytes and streams alike', async () => {
    expect(digestOf('hello')).toBe(hello)
    expect(digestHex(hello)).toHaveLength(64)
    expect(await digestOfStream(chunks('he', 'llo'))).toEqual({ digest: hello, size: 5 })
  })

  it('tells the digest of what passed through', async () => {
    let seen: unknown
    expect(
      await collect(
        hashing(chunks('hel', 'lo'), 'sha256', (digest, size) => {
          seen = { digest, size }
        }),
      ),
    ).toBe('hello')
    expect(seen).toEqual({ digest: hello, size: 5 })
  })

  it('lets the right bytes through and throws data_loss for others', async () => {
    const expected = { digest: hello, size: 5 }
    expect(await collect(verified(chunks('hello'), expected))).toBe('hello')
    await expect(collect(verified(chunks('hallo'), expected))).rejects.toMatchObject({ code: 'data_loss' })
    await expect(collect(verified(chunks('hell'), expected))).rejects.toThrow('ended after 4 of 5 bytes')
  })

  it('stops at the first byte too many', async () => {
    let read = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        read += 1
        yield Buffer.from('hel')
      }
    }
    await expect(collect(verified(endless(), { digest: hello, size: 5 }))).rejects.toThrow('longer than its 5 bytes')
    expect(read).toBe(2)
  })
})
