// A disk without room, for real: a small tmpfs.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildLayer } from '../../setup/images.js'
import { openTestStorage } from '../../setup/local-storage.js'
import { mountTree } from '../../setup/mounted.js'

const execute = promisify(execFile)
let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'pouch-sdk-full-'))
  await execute('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=700', 'tmpfs', root])
})
afterAll(async () => {
  await execute('umount', [root])
  await rm(root, { recursive: true })
})

async function* chunks(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 64 << 10) yield bytes.subarray(at, at + (64 << 10))
}

it('a full disk is resource_exhausted and leaves nothing torn; with room the same works', async () => {
  const body = randomBytes(10 << 20)
  const layer = buildLayer([{ name: 'large', body }])
  await using opened = await openTestStorage(root)
  await using held = await opened.storage.hold()
  const snapshots = held.snapshotter()
  const parts = (): Promise<readonly string[]> => readdir(join(root, 'storage', 'ingests'))
  const exhausted = { code: 'resource_exhausted' }

  // More than there is: the blob itself finds no room, and what it took is given back.
  const tooLarge = buildLayer([{ name: 'large', body: randomBytes(20 << 20) }])
  await expect(held.content.write(tooLarge.descriptor, chunks(tooLarge.bytes))).rejects.toMatchObject(exhausted)
  expect(await held.content.find(tooLarge.descriptor.digest)).toBeUndefined()
  expect(await parts()).toEqual([])
  await expect(held.content.ingest('x/y', chunks(tooLarge.bytes))).rejects.toMatchObject(exhausted)
  expect(await parts()).toEqual([])

  // Room for the blob and not for its files.
  await held.content.write(layer.descriptor, chunks(layer.bytes))
  await expect(held.layers.apply(layer.descriptor, await snapshots.prepare('key', undefined))).rejects.toMatchObject(exhausted)
  await snapshots.remove('key')
  await held.content.delete(layer.descriptor.digest)
  const streaming = async () => held.layers.applyStream?.(layer.descriptor, chunks(layer.bytes), await snapshots.prepare('key', undefined))
  await expect(streaming()).rejects.toMatchObject(exhausted)
  await snapshots.remove('key')
  expect(await snapshots.find('key')).toBeUndefined()

  await execute('mount', ['-o', 'remount,size=64m', root])
  expect(await streaming()).toBe(layer.diffId)
  // What was removed goes a moment later, and would give room again.
  await expect.poll(() => readdir(join(root, 'storage', 'trash')), { timeout: 10_000 }).toEqual([])
  // No room for the record that says that it is committed: the key stays, and can be committed later.
  const filler = join(root, 'filler')
  await execute('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k']).catch(() => {}) // until there is none
  await expect(snapshots.commit('whole', 'key')).rejects.toMatchObject(exhausted)
  expect(await snapshots.find('whole')).toBeUndefined()
  expect((await snapshots.find('key'))?.kind).toBe('active')
  await rm(filler)
  await snapshots.commit('whole', 'key')
  await using tree = await mountTree(await snapshots.view('look', 'whole'))
  expect((await readFile(join(tree.root, 'large'))).equals(body)).toBe(true)
})
