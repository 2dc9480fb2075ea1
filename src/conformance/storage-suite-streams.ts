// Layers that are unpacked as they come, side by side.
import assert from 'node:assert/strict'
import { EngineError } from '../errors.js'
import type { Digest, Mount } from '../model/common.js'
import type { ByteSource } from '../ports/engine/content.js'
import type { HeldStorage } from '../ports/engine/storage.js'
import type { StorageSubject } from './storage-subject.js'
import { blobOf, collectBytes, inChunks, type Layer, layerOf, withCode } from './storage-suite-data.js'
import { lookAt, unpack } from './storage-suite-layers.js'
import type { Case } from './suite.js'

/** `streamed_layers`: `LayerService.applyStream`, and snapshotters whose parents may be told at commit. */
export type StorageCapability = 'streamed_layers'
const needs = 'streamed_layers' as const

function applyStream({ layers }: HeldStorage, { descriptor }: Layer, bytes: ByteSource, mounts: readonly Mount[]): Promise<Digest> {
  if (layers.applyStream === undefined) throw new EngineError('unsupported', 'no layer is unpacked as it comes')
  return layers.applyStream(descriptor, bytes, mounts)
}
const lower = { 'a/': null, 'a/1': 'one', 'a/2': 'two', 'b/': null, 'b/1': 'one', c: 'see' }
const upper = { 'a/.wh.1': '', 'a/3': 'three', 'b/': null, 'b/.wh..wh..opq': '', 'b/2': 'two', '.wh.c': '' }

export const streamCases: readonly Case<StorageSubject, StorageCapability>[] = [
  {
    title: 'applyStream stores and unpacks bytes as they come, and those of a stored blob without asking for them',
    needs,
    async run(subject) {
      await using held = await subject.mine.hold()
      const layer = await layerOf({ 'etc/': null, 'etc/motd': 'hello' })
      const snapshots = held.snapshotter()
      assert.equal(await applyStream(held, layer, inChunks(layer.bytes, 100), await snapshots.prepare('key', undefined)), layer.diffId)
      await snapshots.commit('first', 'key')
      assert.ok((await collectBytes(subject.theirs.content.read(layer.descriptor.digest))).equals(layer.bytes))
      const never = (): AsyncIterable<Uint8Array> => {
        throw new Error('it is there')
      }
      assert.equal(await applyStream(held, layer, never, await snapshots.prepare('key', undefined)), layer.diffId)
      await snapshots.commit('second', 'key')
      for (const name of ['first', 'second']) assert.deepEqual(await lookAt(subject, held, name), { etc: null, 'etc/motd': 'hello' })
    },
  },
  {
    title: 'applyStream throws data_loss for bytes of another digest and stores none of them',
    needs,
    async run({ mine }) {
      await using held = await mine.hold()
      const layer = await layerOf({ a: 'b' })
      const other = await layerOf({ a: 'c'.repeat(10_000) })
      const mounts = await held.snapshotter().prepare('key', undefined)
      await assert.rejects(applyStream(held, layer, inChunks(other.bytes), mounts), withCode('data_loss'))
      assert.equal(await held.content.find(layer.descriptor.digest), undefined)
      const broken = blobOf(Buffer.from('this is no archive'), layer.descriptor.mediaType)
      await assert.rejects(applyStream(held, { ...broken, diffId: layer.diffId }, inChunks(broken.bytes), mounts), withCode('data_loss'))
    },
  },
  {
    title: 'layers whose parents are told at commit give what layers over their parents give, in whatever order they are unpacked',
    needs,
    async run(subject) {
      await using held = await subject.mine.hold()
      const snapshots = held.snapshotter()
      const [first, second] = [await layerOf(lower), await layerOf(upper)]
      await unpack(held, first, 'lower')
      await unpack(held, second, 'upper', 'lower')
      assert.equal(snapshots.parentLater, true)
      const later = await snapshots.prepare('later', undefined, { parentLater: true })
      assert.equal(await held.layers.apply(second.descriptor, later), second.diffId)
      assert.equal((await snapshots.find('later'))?.parent, undefined)
      await unpack(held, first, 'below')
      await snapshots.commit('above', 'later', { parent: 'below' })
      assert.deepEqual(await snapshots.find('above'), { key: 'above', kind: 'committed', parent: 'below', labels: {} })
      const seen = await lookAt(subject, held, 'above')
      assert.deepEqual(seen, await lookAt(subject, held, 'upper'))
      assert.deepEqual(Object.keys(seen), ['a', 'a/2', 'a/3', 'b', 'b/2'])
      await assert.rejects(snapshots.remove('below'), withCode('failed_precondition'))
    },
  },
  {
    title: 'a parent is told at commit where that was said before, and there only',
    needs,
    async run({ mine }) {
      await using held = await mine.hold()
      const snapshots = held.snapshotter()
      await unpack(held, await layerOf(lower), 'lower')
      await assert.rejects(snapshots.prepare('key', 'lower', { parentLater: true }), withCode('invalid_argument'))
      await snapshots.prepare('plain', undefined)
      await assert.rejects(snapshots.commit('name', 'plain', { parent: 'lower' }), withCode('invalid_argument'))
      await snapshots.prepare('later', undefined, { parentLater: true })
      await assert.rejects(snapshots.commit('name', 'later'), withCode('invalid_argument'))
      await assert.rejects(snapshots.commit('name', 'later', { parent: 'absent' }), withCode('not_found'))
      assert.equal(await snapshots.find('name'), undefined)
      await snapshots.commit('name', 'later', { parent: 'lower' })
    },
    async otherwise({ mine }) {
      const snapshots = mine.snapshotter()
      assert.notEqual(snapshots.parentLater, true)
      await assert.rejects(snapshots.prepare('later', undefined, { parentLater: true }), withCode('unsupported'))
    },
  },
]
