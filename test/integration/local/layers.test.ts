// Layers of strangers stay inside or are refused; links into lower layers, and more layers than a page of paths has room for.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mountPrivately } from '../../../src/backends/host/private-mount.js'
import type { HeldStorage } from '../../../src/ports/engine/storage.js'
import { buildLayer, describeBytes, sha256 } from '../../setup/images.js'
import { newTestStorage } from '../../setup/local-storage.js'
import { mountTree } from '../../setup/mounted.js'
import { paxRecord, tar, type TarEntry } from '../../setup/tar.js'
import { listTree } from '../../setup/tree-listing.js'
import { unpackAll } from '../../setup/unpack.js'

let outside: string
beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'outside-'))
  await writeFile(join(outside, 'secret'), 'untouched')
})
afterAll(async () => {
  expect(await readdir(outside)).toEqual(['secret'])
  expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('untouched')
  expect((await stat(join(outside, 'secret'))).nlink).toBe(1)
  await rm(outside, { recursive: true })
})

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 64 << 10) yield bytes.subarray(at, at + (64 << 10))
}
const raw = (entries: readonly TarEntry[]): Buffer => tar(entries)
const pax = (body: string): TarEntry => ({ name: 'PaxHeader', type: 'pax', body })
async function unpacked<T>(
  layers: readonly Uint8Array[],
  look: (root: string) => Promise<T>,
  snapshotter: 'overlayfs' | 'native' = 'overlayfs',
): Promise<T> {
  await using opened = await newTestStorage({ snapshotter })
  await using held = await opened.storage.hold()
  const top = await unpackAll(held, layers)
  await using tree = await mountTree(await held.snapshotter().view('look', top))
  return await look(tree.root)
}
async function refused(layers: readonly Uint8Array[]): Promise<void> {
  for (const snapshotter of ['overlayfs', 'native'] as const) {
    await using opened = await newTestStorage({ snapshotter })
    await using held = await opened.storage.hold()
    await expect(unpackAll(held, layers)).rejects.toMatchObject({ code: 'data_loss' })
  }
}

describe('a hostile layer', () => {
  for (const snapshotter of ['overlayfs', 'native'] as const) {
    it(`writes nowhere else through a link of its own or of a lower layer (${snapshotter})`, async () => {
      const link = (name: string, linkName: string): TarEntry => ({ name, type: 'symlink', linkName })
      const climbing = `${'../'.repeat(30)}${outside.slice(1)}`
      const lower = raw([link('a', outside), link('b', climbing)])
      const upper = raw([
        { name: 'a/new', body: 'mine' },
        { name: 'b/secret', body: 'mine' },
        link('c', outside),
        { name: 'c/secret', body: 'mine' },
        { name: 'c/.wh.secret' },
        { name: 'c/.wh..wh..opq' },
        link('d', 'c'),
        { name: 'd/deep/', mode: 0o777 },
        { name: 'd', body: 'a file now' },
      ])
      const names = await unpacked([lower, upper], (root) => readdir(root), snapshotter)
      expect(names).toContain('c')
    })
  }
  it('links to no file of the host', async () => {
    for (const linkName of [`${outside}/secret`, `${'../'.repeat(30)}${outside.slice(1)}/secret`])
      await refused([raw([{ name: 'hard', type: 'link', linkName }])])
    await refused([
      raw([
        { name: 's', type: 'symlink', linkName: outside },
        { name: 'hard', type: 'link', linkName: 's/secret' },
      ]),
    ])
    await refused([raw([{ name: 's', type: 'symlink', linkName: outside }]), raw([{ name: 'hard', type: 'link', linkName: 's/secret' }])])
  })
  it('is refused when its sizes lie, or its headers are too large', async () => {
    await refused([tar([{ name: 'short', body: 'x', size: 5_000 }], { end: false })])
    await refused([raw([{ name: 'absurd', body: 'x', size: 2 ** 60 }])])
    await refused([tar([{ name: 'PaxHeader', type: 'pax', body: 'x', size: 1 << 30 }], { end: false })])
    await refused([raw([pax(paxRecord('comment', 'x'.repeat(2 << 20))), { name: 'a', body: 'b' }])])
    await refused([raw([pax('9999999 path=a\n'), { name: 'a', body: 'b' }])])
    await refused([raw([pax(paxRecord('size', '-1')), { name: 'a', body: 'b' }])])
    await refused([raw([pax(paxRecord('path', 'x'.repeat(5_000))), { name: 'a', body: 'b' }])])
    await refused([raw([pax(paxRecord('path', 'a\0b')), { name: 'a', body: 'b' }])])
  })
  it('is refused when it puts something below a file, or whites out nothing', async () => {
    await refused([
      raw([
        { name: 'f', body: 'x' },
        { name: 'f/below', body: 'y' },
      ]),
    ])
    await refused([raw([{ name: '.wh.' }])])
    await refused([raw([{ name: 'a/.wh...' }])])
    await refused([raw([{ name: 'itself', type: 'link', linkName: 'itself' }])])
    await refused([
      raw([
        { name: 'l', type: 'symlink', linkName: 'l' },
        { name: 'l/x', body: 'y' },
      ]),
    ])
  })
  it('cannot point overlayfs to what is not its own', async () => {
    const lower = raw([{ name: 'hidden/' }, { name: 'hidden/file', body: 'lower' }, { name: 'dir/' }])
    const redirect = [paxRecord('SCHILY.xattr.trusted.overlay.redirect', '/hidden'), paxRecord('SCHILY.xattr.user.kept', 'yes')].join('')
    const tree = await unpacked([lower, raw([pax(redirect), { name: 'dir/' }])], (root) => listTree(root))
    expect(Object.keys(tree).sort()).toEqual(['.', 'dir', 'hidden', 'hidden/file'])
    expect(tree.dir?.xattrs).toEqual({ 'user.kept': '0x796573' })
  })
})

it('a layer packed with zstd is unpacked, from the store and as it comes, and a damaged one refused', async () => {
  await using opened = await newTestStorage()
  await using held = await opened.storage.hold()
  const body = randomBytes(3 << 20)
  const plain = raw([{ name: 'file', body }])
  const packed = execFileSync('zstd', ['-q', '-c'], { input: plain, maxBuffer: 16 << 20 })
  const descriptor = describeBytes('application/vnd.oci.image.layer.v1.tar+zstd', packed)
  const snapshots = held.snapshotter()
  const asItComes = async (bytes: Buffer, key: string) => {
    const layer = describeBytes(descriptor.mediaType, bytes)
    return await held.layers.applyStream?.(layer, once(bytes), await snapshots.prepare(key, undefined))
  }
  expect(await asItComes(packed, 'stream')).toBe(sha256(plain))
  expect(await held.layers.apply(descriptor, await snapshots.prepare('store', undefined))).toBe(sha256(plain))
  for (const key of ['stream', 'store']) {
    await using tree = await mountTree(await snapshots.mounts(key))
    expect((await readFile(join(tree.root, 'file'))).equals(body)).toBe(true)
  }
  const damaged = Buffer.from(packed).fill(0xff, 1_000_000, 1_001_000)
  for (const [bytes, key] of [
    [damaged, 'damaged'],
    [packed.subarray(0, 2_000_000), 'short'],
  ] as const)
    await expect(asItComes(bytes, key)).rejects.toMatchObject({ code: 'data_loss' })
})

describe('layers over others', () => {
  const lower = [
    { name: 'd/', mode: 0o750, uid: 5, mtime: 77 },
    { name: 'd/target', body: 'shared', mode: 0o4755, uid: 7, mtime: 88 },
  ] satisfies TarEntry[]
  const middle = [{ name: 'other', body: '' }]
  const upper = [
    { name: 'e/', mtime: 99 },
    { name: 'e/hard', type: 'link', linkName: 'd/target' },
    { name: 'hard', type: 'link', linkName: 'e/hard' },
  ] satisfies TarEntry[]
  function expectLinked(tree: Awaited<ReturnType<typeof listTree>>): void {
    expect(tree['d/target']).toMatchObject({ links: '3', mode: '4755', owner: '7:0', mtimeNs: '88000000000', sameAs: 'd/target' })
    expect(tree['e/hard']).toEqual(tree['d/target'])
    expect(tree.hard).toEqual(tree['d/target'])
    expect(tree.d).toMatchObject({ mode: '750', owner: '5:0' })
    expect(tree.e).toMatchObject({ mtimeNs: '99000000000' })
  }

  it('a hard link to a file of a lower layer makes them one file, with its attributes', async () => {
    expectLinked(await unpacked([raw(lower), raw(middle), raw(upper)], listTree))
  })
  it('so it does when the layer is unpacked before it has a parent', async () => {
    await using opened = await newTestStorage()
    await using held = await opened.storage.hold()
    const snapshots = held.snapshotter()
    const layer = buildLayer(upper, { gzip: false })
    await held.content.write(
      layer.descriptor,
      (async function* () {
        yield layer.bytes
      })(),
    )
    await held.layers.apply(layer.descriptor, await snapshots.prepare('later', undefined, { parentLater: true }))
    const parent = await unpackAll(held, [raw(lower), raw(middle)])
    await expect(commitOver(held, raw(middle))).rejects.toMatchObject({ code: 'data_loss' })
    await snapshots.commit('top', 'later', { parent })
    await using tree = await mountTree(await snapshots.view('look', 'top'))
    expectLinked(await listTree(tree.root))
  })
  /** A link to what no layer below has is refused at the commit, and the key stays. */
  async function commitOver(held: HeldStorage, below: Uint8Array): Promise<void> {
    await using opened = await newTestStorage()
    await using other = await opened.storage.hold()
    const parent = await unpackAll(other, [below])
    const layer = buildLayer(upper, { gzip: false })
    const mounts = await other.snapshotter().prepare('later', undefined, { parentLater: true })
    for await (const _chunk of held.content.read(layer.descriptor.digest)) {
      await other.content.write(layer.descriptor, held.content.read(layer.descriptor.digest))
      break
    }
    await other.layers.apply(layer.descriptor, mounts)
    await other.snapshotter().commit('top', 'later', { parent })
  }

  it('of 150 layers all are seen', async () => {
    await using opened = await newTestStorage()
    await using held = await opened.storage.hold()
    const layers = Array.from({ length: 150 }, (_, at) =>
      raw([
        { name: `file-${at}`, body: String(at) },
        { name: 'last', body: String(at) },
      ]),
    )
    const top = await unpackAll(held, layers)
    await using tree = await mountPrivately(join(opened.root, 'mnt'), await held.snapshotter().prepare('container', top))
    expect((await readdir(tree.root)).length).toBe(151)
    expect(await readFile(join(tree.root, 'last'), 'utf8')).toBe('149')
    await writeFile(join(tree.root, 'file-0'), 'changed')
  })
})
