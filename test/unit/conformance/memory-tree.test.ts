import { lstat, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { MemoryStorage } from '../../../src/conformance/memory/storage.js'
import { emptyTree, normalise, put, resolve, type Tree, type TreeEntry } from '../../../src/conformance/memory/tree.js'
import { applyTar, diffTar } from '../../../src/conformance/memory/tree-tar.js'
import { inChunks, layerOf } from '../../../src/conformance/storage-suite-data.js'
import { tar } from '../../setup/tar.js'

const link = (target: string): TreeEntry => ({ type: 'symlink', mode: 0o777, uid: 0, gid: 0, modifiedAt: new Date(0), target })
const treeOf = (links: Readonly<Record<string, string>>): Tree => {
  const tree = new Map(emptyTree)
  for (const [path, target] of Object.entries(links)) put(tree, path, link(target))
  return tree
}

describe('paths of a tree', () => {
  it('never lead above the root', () => {
    expect(normalise('/../../a/./b//../c/')).toBe('a/c')
    expect(normalise('..')).toBe('')
  })
  it('follow links inside, but not the last', () => {
    const tree = treeOf({ 'usr/lib': '../real', out: '../../../etc', abs: '/usr/lib' })
    expect(resolve(tree, 'abs/x')).toBe('real/x')
    expect(resolve(tree, 'out/passwd')).toBe('etc/passwd')
    expect(resolve(tree, 'usr/lib')).toBe('usr/lib')
  })
  it('end after too many links', () => {
    expect(() => resolve(treeOf({ a: 'b', b: 'a' }), 'a/x')).toThrow(/too many links/)
  })
})

describe('layers of a tree', () => {
  it('keep types, modes, owners, devices and hard links through diff and apply', async () => {
    const tree = await applyTar(
      emptyTree,
      tar([
        { name: 'd/', mode: 0o1777, uid: 3, gid: 4 },
        { name: 'd/f', body: 'text', mode: 0o4755, uid: 1_000, mtime: 1_500_000_000 },
        { name: 'd/hard', type: 'link', linkName: 'd/f' },
        { name: 'null', type: 'character', mode: 0o666 },
        { name: 'pipe', type: 'fifo' },
      ]),
    )
    const again = await applyTar(emptyTree, await diffTar(emptyTree, tree))
    expect(again).toEqual(tree)
    expect(again.get('d/hard')?.data).toBe(again.get('d/f')?.data)
  })
  it('hide a whole directory with one whiteout', async () => {
    const lower = await applyTar(
      emptyTree,
      tar([{ name: 'a/' }, { name: 'a/b/' }, { name: 'a/b/c', body: 'x' }, { name: 'ab', body: 'y' }]),
    )
    const upper = new Map([...lower].filter(([path]) => path !== 'a' && !path.startsWith('a/')))
    const packed = await diffTar(lower, upper)
    expect(packed.includes('.wh.a')).toBe(true)
    expect(packed.includes('.wh.b')).toBe(false)
    expect(await applyTar(lower, packed)).toEqual(upper)
  })
  it('are refused when they end too early', async () => {
    await expect(applyTar(emptyTree, tar([{ name: 'a', body: 'x'.repeat(2_000) }]).subarray(0, 1_024))).rejects.toMatchObject({
      code: 'data_loss',
    })
  })
})

describe('a tree as files', () => {
  it('is one directory for all who have it open, and the snapshot has the changes when the last is closed', async () => {
    const storage = new MemoryStorage()
    const layer = await layerOf({ 'etc/': null, 'etc/motd': 'hello', 'etc/gone': 'x' })
    await storage.content.write(layer.descriptor, inChunks(layer.bytes))
    const mounts = await storage.snapshotter().prepare('key', undefined)
    await storage.layers.apply(layer.descriptor, mounts)
    const [first, second] = [await storage.tree(mounts), await storage.tree(mounts)]
    expect(second.root).toBe(first.root)
    await writeFile(join(first.root, 'etc/motd'), 'changed')
    await rm(join(second.root, 'etc/gone'))
    await first.close()
    await first.close()
    expect(await readFile(join(second.root, 'etc/motd'), 'utf8')).toBe('changed')
    await second.close()
    await expect(lstat(second.root)).rejects.toMatchObject({ code: 'ENOENT' })
    await using again = await storage.tree(mounts)
    expect(await readFile(join(again.root, 'etc/motd'), 'utf8')).toBe('changed')
    await expect(lstat(join(again.root, 'etc/gone'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
  it('leaves a view as it was, and keeps what cannot be a file here', async () => {
    const storage = new MemoryStorage()
    const layer = tar([
      { name: 'null', type: 'character' },
      { name: 'f', body: 'x' },
    ])
    const descriptor = await storage.content.ingest('application/vnd.oci.image.layer.v1.tar', inChunks(layer))
    await storage.layers.apply(descriptor, await storage.snapshotter().prepare('key', undefined))
    await storage.snapshotter().commit('name', 'key')
    const view = await storage.snapshotter().view('view', 'name')
    const active = await storage.snapshotter().prepare('active', 'name')
    for (const mounts of [view, active]) {
      await using open = await storage.tree(mounts)
      await writeFile(join(open.root, 'new'), 'x')
    }
    const changes = async (mounts: typeof view) =>
      storage.layers.diff(await storage.snapshotter().view(`below ${Math.random()}`, 'name'), mounts)
    const packed = async (mounts: typeof view) => {
      const onto = await storage.snapshotter().prepare(`onto ${Math.random()}`, 'name')
      await storage.layers.apply(await changes(mounts), onto)
      await using open = await storage.tree(onto)
      return lstat(join(open.root, 'new')).then(
        () => true,
        () => false,
      )
    }
    expect(await packed(active)).toBe(true)
    expect(await packed(view)).toBe(false)
  })
})
