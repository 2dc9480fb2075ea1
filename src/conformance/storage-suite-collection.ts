import assert from 'node:assert/strict'
import type { Digest } from '../model/common.js'
import type { Storage } from '../ports/engine/storage.js'
import type { StorageSubject } from './storage-subject.js'
import { writeAll } from './storage-suite-content.js'
import { inChunks, largeBytes, layerOf, listed, randomBlob, stalling } from './storage-suite-data.js'
import { unpack } from './storage-suite-layers.js'
import { commitEmpty } from './storage-suite-snapshots.js'
import type { Case } from './suite.js'

const there = async ({ content }: Storage, digest: Digest): Promise<boolean> =>
  (await listed(content.list())).some((one) => one.digest === digest)
const snapshotKeys = async (storage: Storage): Promise<string[]> =>
  (await listed(storage.snapshotter().list())).map(({ key }) => key).sort()

export const collectionCases: readonly Case<StorageSubject, never>[] = [
  {
    title: 'what is written through a held storage survives collection by any process until it is closed',
    async run({ mine, theirs }) {
      const blob = randomBlob(1_000)
      const held = await mine.hold()
      await writeAll(held, [blob])
      await commitEmpty(held.snapshotter(), 'kept')
      await theirs.collect()
      assert.ok(await there(theirs, blob.descriptor.digest))
      assert.deepEqual(await snapshotKeys(theirs), ['kept'])
      await held.close()
      await held.close()
      await theirs.collect()
      assert.ok(!(await there(theirs, blob.descriptor.digest)))
      assert.deepEqual(await snapshotKeys(theirs), [])
    },
  },
  {
    title: 'collect resolves with at least the bytes of the blobs it took',
    async run({ mine }) {
      const held = await mine.hold()
      const blob = randomBlob(largeBytes)
      await writeAll(held, [blob])
      assert.equal((await mine.collect()).freedBytes, 0)
      await using other = await mine.hold()
      assert.ok(await other.content.find(blob.descriptor.digest))
      await held.close()
      assert.equal((await mine.collect()).freedBytes, 0)
    },
  },
  {
    title: 'what a held storage has written or found again is its own, too',
    async run({ mine, theirs }) {
      const blobs = [randomBlob(10), randomBlob(largeBytes)]
      const first = await mine.hold()
      await writeAll(first, [...blobs, randomBlob(20)])
      await commitEmpty(first.snapshotter(), 'found')
      const second = await theirs.hold()
      await writeAll(second, blobs)
      assert.equal((await second.snapshotter().find('found'))?.kind, 'committed')
      await first.close()
      await mine.collect()
      assert.deepEqual(
        (await listed(mine.content.list())).map(({ digest }) => digest).sort(),
        blobs.map(({ descriptor }) => descriptor.digest).sort(),
      )
      assert.deepEqual(await snapshotKeys(mine), ['found'])
      await second.close()
      await mine.collect()
      assert.deepEqual(await listed(mine.content.list()), [])
      assert.deepEqual(await snapshotKeys(mine), [])
    },
  },
  {
    title: 'a collection does not harm a write that is under way',
    async run({ mine, theirs }) {
      await using held = await mine.hold()
      const { bytes, descriptor } = randomBlob(largeBytes)
      let proceed = (): void => {}
      const collected = new Promise<void>((resolve) => {
        proceed = resolve
      })
      let half = (): void => {}
      const halfway = new Promise<void>((resolve) => {
        half = resolve
      })
      async function* source(): AsyncGenerator<Uint8Array, void, undefined> {
        yield* inChunks(bytes.subarray(0, 2_000_000))
        half()
        await collected
        yield* inChunks(bytes.subarray(2_000_000))
      }
      const writing = held.content.write(descriptor, source())
      await halfway
      await theirs.collect()
      proceed()
      await writing
      assert.ok(await there(mine, descriptor.digest))
    },
  },
  {
    title: 'an image name keeps its target, what that refers to, and the snapshots of that',
    async run({ mine, theirs }) {
      const [config, index, manifest, later] = [randomBlob(10), randomBlob(11), randomBlob(12), randomBlob(13)]
      const layer = await layerOf({ a: 'b' })
      const held = await mine.hold()
      const snapshots = held.snapshotter()
      await unpack(held, layer, 'chain')
      await commitEmpty(snapshots, 'further')
      await writeAll(held, [config, later])
      await held.content.link(config.descriptor.digest, { kind: 'snapshot', snapshotter: snapshots.name, name: 'chain' })
      await held.content.link(config.descriptor.digest, { kind: 'snapshot', snapshotter: snapshots.name, name: 'further' })
      await held.content.write(manifest.descriptor, inChunks(manifest.bytes), {
        references: [
          { kind: 'config', digest: config.descriptor.digest },
          { kind: 'layer', digest: layer.descriptor.digest },
        ],
        source: 'registry.example:5000/team/app',
      })
      await held.content.write(index.descriptor, inChunks(index.bytes), {
        references: [{ kind: 'manifest', digest: manifest.descriptor.digest }],
      })
      await held.content.write(index.descriptor, inChunks(index.bytes), {
        references: [{ kind: 'manifest', digest: later.descriptor.digest }],
      })
      await held.images.put({ name: 'registry.example/app:1', target: index.descriptor, labels: {} })
      await held.close()
      await theirs.collect()
      const all = [config, index, manifest, layer, later].map(({ descriptor }) => descriptor.digest).sort()
      assert.deepEqual((await listed(mine.content.list())).map(({ digest }) => digest).sort(), all)
      assert.deepEqual(await snapshotKeys(mine), ['chain', 'further'])
      await theirs.images.delete('registry.example/app:1')
      await theirs.collect()
      assert.deepEqual(await listed(mine.content.list()), [])
      assert.deepEqual(await snapshotKeys(mine), [])
    },
  },
  {
    title: 'an active snapshot or view keeps itself and its parents without a hold, until it is removed',
    async run({ mine, theirs }) {
      const held = await mine.hold()
      await commitEmpty(held.snapshotter(), 'a')
      await commitEmpty(held.snapshotter(), 'b', 'a')
      await mine.snapshotter().prepare('container', 'b')
      await mine.snapshotter().view('view', 'a')
      await held.close()
      await theirs.collect()
      assert.deepEqual(await snapshotKeys(mine), ['a', 'b', 'container', 'view'])
      await mine.snapshotter().remove('container')
      await theirs.collect()
      assert.deepEqual(await snapshotKeys(mine), ['a', 'view'])
      await mine.snapshotter().remove('view')
      await theirs.collect()
      assert.deepEqual(await snapshotKeys(mine), [])
    },
  },
  {
    title: "repair frees what holds of dead processes keep, and no live one's",
    async run({ mine, theirs, killTheirs }) {
      const [kept, lost] = [randomBlob(10), randomBlob(20)]
      await using held = await mine.hold()
      const gone = await theirs.hold()
      await writeAll(held, [kept])
      await writeAll(gone, [lost])
      assert.deepEqual(await mine.repair(), [])
      await killTheirs()
      await mine.collect()
      assert.ok(await there(mine, lost.descriptor.digest))
      assert.equal((await mine.repair()).length, 1)
      assert.deepEqual(await mine.repair(), [])
      await mine.collect()
      assert.ok(!(await there(mine, lost.descriptor.digest)))
      assert.ok(await there(mine, kept.descriptor.digest))
    },
  },
  {
    title: 'a hold that is aborted while its process writes frees nothing of others',
    async run({ mine, theirs }) {
      await using held = await mine.hold()
      const blob = randomBlob(10)
      await writeAll(held, [blob])
      const other = await theirs.hold()
      const abort = new AbortController()
      const { bytes, stalled } = stalling(randomBlob(100).bytes)
      const ingesting = other.content.ingest('x/y', bytes, { signal: abort.signal })
      await stalled
      abort.abort(new Error('enough'))
      await assert.rejects(ingesting, { message: 'enough' })
      await other.close()
      await mine.collect()
      assert.deepEqual(await listed(mine.content.list()), [{ digest: blob.descriptor.digest, size: 10 }])
    },
  },
]
