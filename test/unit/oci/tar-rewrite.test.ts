import { execFileSync } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { type Headers, pack } from 'tar-stream'
import { describe, expect, it } from 'vitest'
import { rewriteTar, type TarOwner } from '../../../src/oci/tar-rewrite.js'
import { chunks } from '../../setup/images.js'

type Entry = readonly [headers: Headers, body?: string]
async function tar(...entries: readonly Entry[]): Promise<Buffer> {
  const packed = pack()
  for (const [headers, body] of entries) packed.entry({ mtime: new Date(0), mode: 0o644, ...headers }, body ?? '')
  packed.finalize()
  return buffer(packed)
}
async function rewritten(bytes: Uint8Array, owner?: TarOwner, size?: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of rewriteTar(chunks(bytes, size), owner)) parts.push(part)
  return Buffer.concat(parts)
}
const listed = (bytes: Uint8Array): readonly string[] =>
  execFileSync('tar', ['--numeric-owner', '--full-time', '-tvf', '-'], { input: bytes }).toString().trimEnd().split('\n')

describe('rewriteTar', () => {
  it('gives everything to the owner, long names and links included, and GNU tar reads it', async () => {
    const long = `${'d'.repeat(120)}/${'n'.repeat(120)}`
    const bytes = await tar(
      [{ name: 'dir', type: 'directory', uid: 7, gid: 8, mode: 0o750 }],
      [{ name: long, uid: 7, gid: 8, uname: 'them' }, 'hello'],
      [{ name: 'link', type: 'symlink', linkname: '/etc/passwd', uid: 7 }],
      [{ name: 'hard', type: 'link', linkname: long, uid: 7 }],
    )
    for (const size of [1, 511, 512, 100_000]) {
      const lines = listed(await rewritten(bytes, { uid: 1000, gid: 3_000_000 }, size))
      expect(lines.map((line) => line.split(/ +/)[1])).toEqual(Array(4).fill('1000/3000000'))
      expect(lines[0]).toMatch(/^drwxr-x---/)
      expect(lines[1]?.endsWith(long)).toBe(true)
      expect(lines[2]).toContain('link -> /etc/passwd')
    }
  })
  it('takes owners out of extended headers, and leaves what else is in them', async () => {
    const bytes = await tar([{ name: 'a', pax: { uid: '99999', gname: 'them', 'SCHILY.xattr.user.x': 'kept' } } as Headers, 'A'])
    const after = await rewritten(bytes, { uid: 1, gid: 2 })
    expect(after.includes('SCHILY.xattr.user.x=kept')).toBe(true)
    expect(after.includes('uid=99999') || after.includes('gname=them')).toBe(false)
    expect(listed(after)[0]).toContain(' 1/2 ')
  })
  it('changes no byte without an owner', async () => {
    const bytes = await tar([{ name: 'dir', type: 'directory', uid: 7 }], [{ name: `dir/${'n'.repeat(150)}`, uid: 7 }, 'x'.repeat(5_000)])
    const after = await rewritten(bytes, undefined, 700)
    expect(after.equals(bytes)).toBe(true)
  })
  it.each([
    [{ name: '../evil' }],
    [{ name: 'a/../../evil' }],
    [{ name: `${'n'.repeat(200)}/../../../evil` }],
    [{ name: 'hard', type: 'link', linkname: '../../etc/shadow' }],
  ] as const)('refuses a member that leads out: %j', async (headers) => {
    await expect(rewritten(await tar([headers]))).rejects.toMatchObject({ code: 'invalid_argument' })
  })
  it('refuses what is no tar, and one that ends early', async () => {
    const bytes = await tar([{ name: 'a' }, 'x'.repeat(5_000)])
    for (const broken of [Buffer.from('junk'), Buffer.alloc(600, 7), bytes.subarray(0, 2_000), Buffer.alloc(0)])
      await expect(rewritten(broken)).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})
