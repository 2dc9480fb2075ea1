import assert from 'node:assert/strict'
import { EngineError } from '../errors.js'
import type { Storage } from '../ports/engine/storage.js'
import type { StorageSubject } from './storage-subject.js'
import {
  type Blob,
  collectBytes,
  digestOf,
  failingAfter,
  inChunks,
  largeBytes,
  listed,
  randomBlob,
  stalling,
  withCode,
} from './storage-suite-data.js'
import type { Case } from './suite.js'

const sizes = [0, 1, 4_096, 1 << 20, largeBytes]

export const contentCases: readonly Case<StorageSubject, never>[] = [
  {
    title: 'a written blob is read back as it was, in another process, too',
    async run({ mine, theirs }) {
      await using held = await mine.hold()
      for (const size of sizes) {
        const { bytes, descriptor } = randomBlob(size)
        assert.equal(await mine.content.find(descriptor.digest), undefined)
        await held.content.write(descriptor, inChunks(bytes, 10_000))
        assert.deepEqual(await theirs.content.find(descriptor.digest), { digest: descriptor.digest, size })
        assert.ok((await collectBytes(theirs.content.read(descriptor.digest))).equals(bytes), `${size} bytes`)
      }
    },
  },
  {
    title: 'chunks of any size make the same blob, and may be changed once the next is asked for',
    async run({ mine }) {
      await using held = await mine.hold()
      const { bytes, descriptor } = randomBlob(largeBytes)
      async function* reused(): AsyncGenerator<Uint8Array, void, undefined> {
        const buffer = new Uint8Array(1_500_000)
        for await (const chunk of inChunks(bytes, buffer.byteLength)) {
          buffer.set(chunk)
          yield buffer.subarray(0, chunk.byteLength)
          buffer.fill(0)
        }
      }
      await held.content.write(descriptor, reused())
      assert.ok((await collectBytes(held.content.read(descriptor.digest))).equals(bytes))
    },
  },
  {
    title: 'writing a blob that is there is success',
    async run({ mine, theirs }) {
      await using held = await mine.hold()
      for (const size of [100, largeBytes]) {
        const { bytes, descriptor } = randomBlob(size)
        await held.content.write(descriptor, inChunks(bytes))
        await theirs.content.write(descriptor, inChunks(bytes))
        assert.ok((await collectBytes(mine.content.read(descriptor.digest))).equals(bytes))
      }
    },
  },
  ...(
    [
      ['the digest differs', (bytes) => Buffer.concat([bytes.subarray(1), Buffer.of((bytes[0] ?? 0) ^ 1)])],
      ['too few bytes come', (bytes) => bytes.subarray(1)],
      ['too many bytes come', (bytes) => Buffer.concat([bytes, Buffer.of(0)])],
    ] satisfies [string, (bytes: Buffer) => Buffer][]
  ).map(
    ([what, spoil]): Case<StorageSubject, never> => ({
      title: `write throws data_loss and leaves nothing when ${what}`,
      async run({ mine }) {
        await using held = await mine.hold()
        for (const size of [100, largeBytes]) {
          const { bytes, descriptor } = randomBlob(size)
          await assert.rejects(held.content.write(descriptor, inChunks(spoil(bytes))), withCode('data_loss'))
          assert.equal(await held.content.find(descriptor.digest), undefined)
          assert.equal(await held.content.resumePoint(descriptor), 0)
          await held.content.write(descriptor, inChunks(bytes))
          assert.ok((await collectBytes(held.content.read(descriptor.digest))).equals(bytes))
        }
      },
    }),
  ),
  {
    title: 'a write whose source fails rejects with that error, and can be resumed where it stopped',
    async run({ mine, theirs }) {
      await using held = await mine.hold()
      await using other = await theirs.hold()
      const { bytes, descriptor } = randomBlob(largeBytes)
      await assert.rejects(held.content.write(descriptor, failingAfter(bytes.subarray(0, 2_500_000), new Error('cut off'))), {
        message: 'cut off',
      })
      assert.equal(await mine.content.find(descriptor.digest), undefined)
      const offset = await other.content.resumePoint(descriptor)
      assert.ok(offset <= 2_500_000)
      await other.content.write(descriptor, inChunks(bytes.subarray(offset)), { offset })
      assert.ok((await collectBytes(other.content.read(descriptor.digest))).equals(bytes))
      assert.equal(await other.content.resumePoint(descriptor), 0)
    },
  },
  {
    title: 'bytes given by a function are asked for from where the last writer stopped, and not of a blob that is there',
    async run({ mine, theirs }) {
      await using held = await mine.hold()
      await using other = await theirs.hold()
      const { bytes, descriptor } = randomBlob(largeBytes)
      const asked: number[] = []
      const from = (offset: number): AsyncIterable<Uint8Array> => {
        asked.push(offset)
        return inChunks(bytes.subarray(offset))
      }
      await assert.rejects(held.content.write(descriptor, failingAfter(bytes.subarray(0, 2_500_000), new Error('cut off'))))
      const offset = await other.content.resumePoint(descriptor)
      await other.content.write(descriptor, from)
      await held.content.write(descriptor, from)
      assert.ok((await collectBytes(mine.content.read(descriptor.digest))).equals(bytes))
      assert.deepEqual(asked, [offset])
    },
  },
  {
    title: 'a write from the beginning succeeds although a part is held',
    async run({ mine }) {
      await using held = await mine.hold()
      const { bytes, descriptor } = randomBlob(largeBytes)
      await assert.rejects(held.content.write(descriptor, failingAfter(bytes.subarray(0, 2_500_000), new Error('cut off'))))
      await held.content.write(descriptor, inChunks(bytes))
      assert.ok((await collectBytes(held.content.read(descriptor.digest))).equals(bytes))
    },
  },
  {
    title: 'write throws conflict for an offset beyond what is held',
    async run({ mine }) {
      const { bytes, descriptor } = randomBlob(largeBytes)
      await assert.rejects(mine.content.write(descriptor, inChunks(bytes.subarray(10)), { offset: 10 }), withCode('conflict'))
      assert.equal(await mine.content.find(descriptor.digest), undefined)
    },
  },
  {
    title: 'an aborted write rejects with the reason and shows no blob',
    async run({ mine }) {
      for (const size of [1_000, largeBytes]) {
        const { bytes, descriptor } = randomBlob(size)
        const abort = new AbortController()
        const source = stalling(bytes.subarray(0, -1))
        const writing = mine.content.write(descriptor, source.bytes, { signal: abort.signal })
        await Promise.race([source.stalled, writing])
        abort.abort(new Error('enough'))
        await assert.rejects(writing, { message: 'enough' })
        assert.equal(await mine.content.find(descriptor.digest), undefined)
      }
      const { bytes, descriptor } = randomBlob(10)
      await assert.rejects(mine.content.write(descriptor, inChunks(bytes), { signal: AbortSignal.abort(new Error('before')) }), {
        message: 'before',
      })
    },
  },
  {
    title: 'two writers of one blob both succeed',
    async run({ mine, theirs }) {
      const { bytes, descriptor } = randomBlob(largeBytes)
      await using held = await mine.hold()
      await using other = await theirs.hold()
      await Promise.all([held, other, held, other].map(({ content }) => content.write(descriptor, inChunks(bytes))))
      assert.ok((await collectBytes(mine.content.read(descriptor.digest))).equals(bytes))
    },
  },
  {
    title: 'a writer waits for another process, and goes on where that one dies',
    async run({ mine, theirs, killTheirs }) {
      const { bytes, descriptor } = randomBlob(largeBytes)
      await using held = await mine.hold()
      const other = await theirs.hold()
      const source = stalling(bytes.subarray(0, -1))
      const death = new AbortController()
      const first = settled(other.content.write(descriptor, source.bytes, { signal: death.signal }))
      await source.stalled
      const second = held.content.write(descriptor, inChunks(bytes))
      assert.equal(await mine.content.find(descriptor.digest), undefined)
      await killTheirs()
      death.abort()
      await second
      assert.ok((await collectBytes(mine.content.read(descriptor.digest))).equals(bytes))
      await first
    },
  },
  {
    title: 'read throws not_found at the first step for an absent blob',
    async run({ mine }) {
      const absent = digestOf(Buffer.from('absent'))
      await assert.rejects(mine.content.read(absent)[Symbol.asyncIterator]().next(), withCode('not_found'))
      await assert.rejects(collectBytes(mine.content.read(absent, { length: 0 })), withCode('not_found'))
    },
  },
  {
    title: 'read gives the range that was asked for',
    async run({ mine }) {
      await using held = await mine.hold()
      const {
        bytes,
        descriptor: { digest },
        descriptor,
      } = randomBlob(300_000)
      await held.content.write(descriptor, inChunks(bytes))
      const range = async (offset?: number, length?: number): Promise<Buffer> => collectBytes(mine.content.read(digest, { offset, length }))
      assert.ok((await range(100)).equals(bytes.subarray(100)))
      assert.ok((await range(100, 200_000)).equals(bytes.subarray(100, 200_100)))
      assert.ok((await range(299_999, 10)).equals(bytes.subarray(299_999)))
      assert.equal((await range(0, 0)).byteLength, 0)
      assert.equal((await range(300_000)).byteLength, 0)
      await assert.rejects(range(300_001), withCode('invalid_argument'))
    },
  },
  {
    title: 'a reader may stop early, or be aborted',
    async run({ mine }) {
      await using held = await mine.hold()
      const { bytes, descriptor } = randomBlob(largeBytes)
      await held.content.write(descriptor, inChunks(bytes))
      for await (const chunk of mine.content.read(descriptor.digest)) {
        assert.ok(chunk.byteLength > 0)
        break
      }
      const abort = new AbortController()
      const reading = mine.content.read(descriptor.digest, { signal: abort.signal })[Symbol.asyncIterator]()
      await reading.next()
      abort.abort(new Error('enough'))
      await assert.rejects(
        async () => {
          while ((await reading.next()).done !== true);
        },
        { message: 'enough' },
      )
    },
  },
  {
    title: 'ingest finds out the digest, and is success for a blob that is there',
    async run({ mine }) {
      await using held = await mine.hold()
      for (const size of [...sizes, ...sizes.slice(-1)]) {
        const { bytes, descriptor } = randomBlob(size)
        assert.deepEqual(await held.content.ingest('application/octet-stream', inChunks(bytes)), descriptor)
        assert.deepEqual(await held.content.ingest('application/octet-stream', inChunks(bytes)), descriptor)
        assert.ok((await collectBytes(mine.content.read(descriptor.digest))).equals(bytes))
      }
    },
  },
  {
    title: "a failed ingest rejects with the source's error and leaves nothing",
    async run({ mine }) {
      for (const size of [100, largeBytes]) {
        const { bytes, descriptor } = randomBlob(size)
        await assert.rejects(mine.content.ingest('x/y', failingAfter(bytes, new EngineError('unavailable', 'cut off'))), {
          message: 'cut off',
        })
        assert.equal(await mine.content.find(descriptor.digest), undefined)
      }
    },
  },
  {
    title: 'delete takes a blob away, and is success for an absent one',
    async run({ mine, theirs }) {
      await using held = await mine.hold()
      const { bytes, descriptor } = randomBlob(10)
      await held.content.write(descriptor, inChunks(bytes))
      await theirs.content.delete(descriptor.digest)
      await theirs.content.delete(descriptor.digest)
      assert.equal(await mine.content.find(descriptor.digest), undefined)
    },
  },
  {
    title: 'link throws not_found for an absent blob, and is idempotent for one that is there',
    async run({ mine }) {
      await using held = await mine.hold()
      const { bytes, descriptor } = randomBlob(10)
      const to = { kind: 'layer', digest: digestOf(Buffer.from('not there yet')) } as const
      await assert.rejects(held.content.link(descriptor.digest, to), withCode('not_found'))
      await held.content.write(descriptor, inChunks(bytes))
      await held.content.link(descriptor.digest, to)
      await held.content.link(descriptor.digest, to)
    },
  },
  {
    title: 'list gives every blob once',
    async run({ mine, theirs }) {
      await using held = await mine.hold()
      const blobs = [1, 2, largeBytes].map((size) => randomBlob(size))
      await writeAll(held, blobs)
      const found = (await listed(theirs.content.list())).sort((a, b) => a.size - b.size)
      assert.deepEqual(
        found,
        blobs.map(({ descriptor: { digest, size } }) => ({ digest, size })),
      )
    },
  },
]

export async function writeAll(storage: Pick<Storage, 'content'>, blobs: readonly Blob[]): Promise<void> {
  for (const { descriptor, bytes } of blobs) await storage.content.write(descriptor, inChunks(bytes))
}

/** A process that is to die: its calls end some way or other, and nobody looks. */
async function settled(promise: Promise<unknown>): Promise<void> {
  try {
    await promise
  } catch {
    /* as its process */
  }
}
