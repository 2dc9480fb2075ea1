import assert from 'node:assert/strict'
import { chmod, lstat, readFile, readdir, readlink, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HeldStorage } from '../ports/engine/storage.js'
import type { StorageSubject } from './storage-subject.js'
import { writeAll } from './storage-suite-content.js'
import { blobOf, type Layer, layerOf, layerTypes, withCode } from './storage-suite-data.js'
import type { Case } from './suite.js'

/** Written, applied over `parent` and committed as `name`. */
export async function unpack(held: HeldStorage, layer: Layer, name: string, parent?: string): Promise<void> {
  await writeAll(held, [layer])
  const mounts = await held.snapshotter().prepare(`unpacking ${name}`, parent)
  assert.equal(await held.layers.apply(layer.descriptor, mounts), layer.diffId)
  await held.snapshotter().commit(name, `unpacking ${name}`)
}

/** Paths below a directory; what a link or file holds. */
async function look(directory: string, path: string = ''): Promise<Record<string, string | null>> {
  const found: Record<string, string | null> = {}
  for (const name of (await readdir(join(directory, path))).sort()) {
    const inside = path === '' ? name : `${path}/${name}`
    const stat = await lstat(join(directory, inside))
    found[inside] = stat.isSymbolicLink()
      ? `-> ${await readlink(join(directory, inside))}`
      : stat.isFile()
        ? await readFile(join(directory, inside), 'utf8')
        : null
    if (stat.isDirectory()) Object.assign(found, await look(directory, inside))
  }
  return found
}
export async function lookAt({ tree }: StorageSubject, held: HeldStorage, name: string): Promise<Record<string, string | null>> {
  await using opened = await tree(await held.snapshotter().view(`look at ${name}`, name))
  return await look(opened.root) // while it is open
}

export const layerCases: readonly Case<StorageSubject, never>[] = [
  {
    title: 'apply unpacks layers of every packing and resolves with the uncompressed digest',
    async run(subject) {
      await using held = await subject.mine.hold()
      for (const type of Object.values(layerTypes)) {
        await unpack(held, await layerOf({ 'etc/': null, 'etc/motd': 'hello', 'etc/link': { link: '/etc/motd' } }, type), type)
        assert.deepEqual(await lookAt(subject, held, type), { etc: null, 'etc/motd': 'hello', 'etc/link': '-> /etc/motd' })
      }
    },
  },
  {
    title: 'whiteouts take away what is below, opaque directories all of it',
    async run(subject) {
      await using held = await subject.mine.hold()
      await unpack(
        held,
        await layerOf({ 'a/': null, 'a/1': 'one', 'a/2': 'two', 'b/': null, 'b/1': 'one', c: 'see', 'd/': null, 'd/1': 'one' }),
        'lower',
      )
      await unpack(
        held,
        await layerOf({ 'a/.wh.1': '', 'a/3': 'three', 'b/': null, 'b/.wh..wh..opq': '', 'b/2': 'two', '.wh.c': '', '.wh.d': '' }),
        'upper',
        'lower',
      )
      assert.deepEqual(await lookAt(subject, held, 'upper'), { a: null, 'a/2': 'two', 'a/3': 'three', b: null, 'b/2': 'two' })
      assert.deepEqual(Object.keys(await lookAt(subject, held, 'lower')).sort(), ['a', 'a/1', 'a/2', 'b', 'b/1', 'c', 'd', 'd/1'])
    },
  },
  {
    title: 'apply throws data_loss for a layer that is none, unsupported for a type it does not know, not_found for an absent blob',
    async run({ mine }) {
      await using held = await mine.hold()
      const broken = blobOf(Buffer.from('this is no archive'), layerTypes.gzip)
      const foreign = blobOf(Buffer.from('nor this'), 'application/x-unheard-of')
      await writeAll(held, [broken, foreign])
      const mounts = await held.snapshotter().prepare('key', undefined)
      await assert.rejects(held.layers.apply(broken.descriptor, mounts), withCode('data_loss'))
      await assert.rejects(held.layers.apply(foreign.descriptor, mounts), withCode('unsupported'))
      await assert.rejects(held.layers.apply((await layerOf({ x: 'y' })).descriptor, mounts), withCode('not_found'))
      await held.snapshotter().remove('key')
    },
  },
  {
    title: 'a layer cannot write outside its snapshot',
    async run(subject) {
      await using held = await subject.mine.hold()
      await unpack(held, await layerOf({ '../up': 'up', evil: { link: '/etc' }, 'evil/pwned-by-pouch-sdk-suite': 'no' }), 'evil')
      const seen = await lookAt(subject, held, 'evil')
      assert.equal(seen['up'], 'up')
      await assert.rejects(lstat('/etc/pwned-by-pouch-sdk-suite'), { code: 'ENOENT' })
    },
  },
  {
    title: 'diff packs what was changed, and applying it elsewhere gives the same',
    async run(subject) {
      await using held = await subject.mine.hold()
      const snapshots = held.snapshotter()
      await unpack(held, await layerOf({ 'a/': null, 'a/keep': 'keep', 'a/change': 'before', 'a/drop': 'drop' }), 'base')
      const upper = await snapshots.prepare('container', 'base')
      {
        await using opened = await subject.tree(upper)
        await writeFile(join(opened.root, 'a/change'), 'after')
        await writeFile(join(opened.root, 'a/new'), 'new')
        await chmod(join(opened.root, 'a/new'), 0o4751)
        await utimes(join(opened.root, 'a/new'), 1_500_000_000, 1_500_000_000)
        await symlink('new', join(opened.root, 'a/link'))
        await rm(join(opened.root, 'a/drop'))
      }
      const layer = await held.layers.diff(await snapshots.view('below', 'base'), upper)
      const target = await snapshots.prepare('again', 'base')
      await held.layers.apply(layer, target)
      await snapshots.commit('changed', 'again')
      assert.deepEqual(await lookAt(subject, held, 'changed'), {
        a: null,
        'a/keep': 'keep',
        'a/change': 'after',
        'a/new': 'new',
        'a/link': '-> new',
      })
      await using opened = await subject.tree(await snapshots.view('look', 'changed'))
      const stat = await lstat(join(opened.root, 'a/new'))
      assert.equal(stat.mode & 0o7777, 0o4751)
      assert.equal(stat.mtimeMs, 1_500_000_000_000)
    },
  },
  {
    title: 'usage counts what a snapshot adds, not its parent',
    async run({ mine }) {
      await using held = await mine.hold()
      await unpack(held, await layerOf({ big: 'x'.repeat(200_000) }), 'lower')
      await unpack(held, await layerOf({ small: 'x'.repeat(20_000) }), 'upper', 'lower')
      const lower = await held.snapshotter().usage('lower')
      const upper = await held.snapshotter().usage('upper')
      assert.ok(lower.bytes >= 200_000 && lower.inodes >= 1, JSON.stringify(lower))
      assert.ok(upper.bytes >= 20_000 && upper.bytes < 200_000, JSON.stringify(upper))
    },
  },
]
