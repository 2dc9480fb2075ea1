// What the port does not show: labels, leases and refs as the daemon and its other clients see them.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Channel, openChannel } from '../../../src/backends/containerd/channel.js'
import { Content, WriteAction } from '../../../src/backends/containerd/gen/content_pb.js'
import { Leases } from '../../../src/backends/containerd/gen/leases_pb.js'
import { Snapshots } from '../../../src/backends/containerd/gen/snapshots_pb.js'
import { type ContainerdStorage, openStorage } from '../../../src/backends/containerd/storage/storage.js'
import { MemoryLocks } from '../../../src/conformance/memory/locks.js'
import {
  collectBytes,
  failingAfter,
  inChunks,
  largeBytes,
  listed,
  randomBlob,
  stalling,
} from '../../../src/conformance/storage-suite-data.js'
import { closeable } from '../../../src/util/closeable.js'
import { startTestContainerd, type TestContainerd } from '../../setup/containerd.js'
import { buildImage } from '../../setup/images.js'

let daemon: TestContainerd
beforeAll(async () => {
  daemon = await startTestContainerd()
})
afterAll(async () => {
  await daemon.close()
})

interface Opened {
  readonly storage: ContainerdStorage
  readonly channel: Channel
  readonly rootId: string
}
async function open(
  namespace: string = `wire-${randomUUID()}`,
  beforeStep?: (step: string) => void | Promise<void>,
): Promise<Opened & AsyncDisposable> {
  const channel = await openChannel({ address: daemon.address, namespace, beforeStep })
  const rootId = randomUUID()
  return { channel, rootId, storage: await openStorage({ channel, rootId, locks: new MemoryLocks() }), ...closeable(() => channel.close()) }
}
async function ctr(namespace: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)('ctr', ['--address', daemon.address, '--namespace', namespace, ...args])).stdout
}
const labelsOf = async ({ channel }: Opened, digest: string) => (await channel.unary(Content.method.info, { digest })).info?.labels

describe('containerd storage on the wire', () => {
  it('other clients take an image written here for complete and unpacked', async () => {
    await using opened = await open()
    const { storage, channel } = opened
    await using held = await storage.hold()
    const image = buildImage({ layers: [[{ name: 'a', body: 'a' }], [{ name: 'b', body: 'b' }]] })
    let chain: string | undefined
    for (const layer of image.layers) {
      await held.content.write(layer.descriptor, inChunks(layer.bytes))
      const mounts = await held.snapshotter().prepare(`unpack-${layer.diffId}`, chain)
      await held.layers.apply(layer.descriptor, mounts)
      chain =
        chain === undefined
          ? layer.diffId
          : `sha256:${(await import('node:crypto')).createHash('sha256').update(`${chain} ${layer.diffId}`).digest('hex')}`
      await held.snapshotter().commit(chain, `unpack-${layer.diffId}`)
    }
    const config = image.configDescriptor
    await held.content.write(config, inChunks(image.config), {
      references: [{ kind: 'snapshot', snapshotter: held.snapshotter().name, name: chain ?? '' }],
    })
    await held.content.write(image.target, inChunks(image.manifest), {
      references: [
        { kind: 'config', digest: config.digest },
        ...image.layers.map(({ descriptor: { digest } }) => ({ kind: 'layer', digest }) as const),
      ],
    })
    await held.images.put({ name: 'registry.example/app:1', target: image.target, labels: {} })
    await held.close()
    await storage.collect()
    const check = await ctr(channel.namespace, 'images', 'check', 'name==registry.example/app:1')
    expect(check).toMatch(/registry\.example\/app:1 .* complete \(3\/3\) .* true/)
    expect((await ctr(channel.namespace, 'content', 'ls', '-q')).trim().split('\n').sort()).toEqual([...image.blobs.keys()].sort())
    expect(await labelsOf(opened, image.layers[0]!.descriptor.digest)).toMatchObject({
      'containerd.io/uncompressed': image.layers[0]!.diffId,
    })
  })

  it("two roots in one namespace do not list, collect or repair each other's", async () => {
    await using mine = await open()
    await using theirs = await open(mine.channel.namespace)
    const [blob, image] = [randomBlob(10), randomBlob(20)]
    await using held = await theirs.storage.hold()
    await held.content.write(blob.descriptor, inChunks(blob.bytes))
    await held.content.write(image.descriptor, inChunks(image.bytes))
    await held.images.put({ name: 'theirs', target: image.descriptor, labels: {} })
    await held.snapshotter().prepare('theirs', undefined)
    expect(await listed(mine.storage.content.list())).toEqual([])
    expect(await listed(mine.storage.images.list())).toEqual([])
    expect(await listed(mine.storage.snapshotter().list())).toEqual([])
    expect(await mine.storage.repair()).toEqual([])
    await mine.storage.collect()
    expect(await listed(theirs.storage.content.list())).toHaveLength(2)
    expect(await listed(theirs.storage.snapshotter().list())).toHaveLength(1)
  })

  it('a blob of another client becomes ours when it is written here, and keeps its labels', async () => {
    await using opened = await open()
    const { bytes, descriptor } = randomBlob(10)
    {
      await using stream = await opened.channel.bidi(Content.method.write)
      stream.send({
        action: WriteAction.COMMIT,
        ref: 'foreign',
        total: 10n,
        expected: descriptor.digest,
        data: bytes,
        labels: { 'containerd.io/gc.root': 'now', 'containerd.io/distribution.source.a.example': 'x' },
      })
      await stream.receive()
    }
    expect(await listed(opened.storage.content.list())).toEqual([])
    await opened.storage.content.write(descriptor, inChunks(bytes), {
      source: 'a.example/y',
      references: [{ kind: 'layer', digest: `sha256:${'a'.repeat(64)}` }],
    })
    expect(await labelsOf(opened, descriptor.digest)).toEqual({
      'containerd.io/gc.root': 'now',
      'containerd.io/distribution.source.a.example': 'x,y',
      'pouch-sdk/root': opened.rootId,
      [`containerd.io/gc.ref.content.l.${'a'.repeat(64)}`]: `sha256:${'a'.repeat(64)}`,
    })
    expect(await listed(opened.storage.content.list())).toHaveLength(1)
  })

  it('only active snapshots and views are roots of collection', async () => {
    await using opened = await open()
    await using held = await opened.storage.hold()
    const snapshots = held.snapshotter()
    const labels = async (key: string) =>
      (await opened.channel.unary(Snapshots.method.stat, { snapshotter: snapshots.name, key })).info?.labels
    await snapshots.prepare('key', undefined, { labels: { a: 'b' } })
    expect(await labels('key')).toEqual({ a: 'b', 'pouch-sdk/root': opened.rootId, 'containerd.io/gc.root': expect.any(String) })
    await snapshots.commit('name', 'key')
    expect(await labels('name')).toEqual({ 'pouch-sdk/root': opened.rootId })
    await snapshots.view('view', 'name')
    expect(await labels('view')).toHaveProperty(['containerd.io/gc.root'])
  })

  it('a hold is a lease with an end, and closing it leaves none', async () => {
    await using opened = await open()
    const held = await opened.storage.hold()
    const {
      leases: [lease],
    } = await opened.channel.unary(Leases.method.list, {})
    expect(lease?.labels['pouch-sdk/root']).toBe(opened.rootId)
    expect(lease?.labels['containerd.io/gc.expire']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    const hours = (Date.parse(lease?.labels['containerd.io/gc.expire'] ?? '') - Date.now()) / 3_600_000
    expect(hours).toBeGreaterThan(23)
    expect(hours).toBeLessThan(25)
    await held.close()
    expect((await opened.channel.unary(Leases.method.list, {})).leases).toEqual([])
  })

  it('a hold that could not be had leaves neither lease nor lock', async () => {
    const abort = new AbortController()
    await using opened = await open(undefined, (step) => {
      if (step === 'leases.create') abort.abort(new Error('enough'))
    })
    await expect(opened.storage.hold({ signal: abort.signal })).rejects.toThrow('enough')
    expect((await opened.channel.unary(Leases.method.list, {})).leases).toEqual([])
  })

  it('a write waits while another client has the ref, and an abort ends the wait', async () => {
    await using opened = await open()
    // The daemon collects what nobody holds, some time after anything was deleted.
    await using held = await opened.storage.hold()
    const { bytes, descriptor } = randomBlob(largeBytes)
    const foreign = await opened.channel.bidi(Content.method.write)
    foreign.send({
      action: WriteAction.STAT,
      ref: `pouch-sdk-${descriptor.digest}`,
      total: BigInt(descriptor.size),
      expected: descriptor.digest,
    })
    await foreign.receive()
    await expect(held.content.write(descriptor, inChunks(bytes), { signal: AbortSignal.timeout(100) })).rejects.toThrow(/timeout/)
    const writing = held.content.write(descriptor, inChunks(bytes))
    await foreign.close()
    await writing
    expect((await collectBytes(held.content.read(descriptor.digest))).equals(bytes)).toBe(true)
  })

  it('an interrupted write is resumed by the next, also when its hold is gone', async () => {
    await using opened = await open()
    const { bytes, descriptor } = randomBlob(largeBytes)
    const first = await opened.storage.hold()
    await expect(first.content.write(descriptor, failingAfter(bytes.subarray(0, 2_500_000), new Error('cut off')))).rejects.toThrow(
      'cut off',
    )
    await first.close()
    await opened.storage.collect()
    await using held = await opened.storage.hold()
    expect(await held.content.resumePoint(descriptor)).toBe(2_500_000)
    await held.content.write(descriptor, inChunks(bytes.subarray(2_500_000)), { offset: 2_500_000 })
    await opened.storage.collect()
    expect((await collectBytes(held.content.read(descriptor.digest))).equals(bytes)).toBe(true)
  })

  it('a write through a daemon that dies is unavailable, and goes on when it is back', async () => {
    await using other = await startTestContainerd()
    await using channel = await openChannel({ address: other.address, namespace: 'wire' })
    const storage = await openStorage({ channel, rootId: randomUUID(), locks: new MemoryLocks() })
    const { bytes, descriptor } = randomBlob(largeBytes)
    const source = stalling(bytes.subarray(0, 2_500_000))
    async function* dying(): AsyncGenerator<Uint8Array, void, undefined> {
      yield* inChunks(bytes.subarray(0, 2_500_000))
      await other.kill()
      yield* inChunks(bytes.subarray(2_500_000))
    }
    await expect(storage.content.write(descriptor, dying())).rejects.toMatchObject({ code: 'unavailable', retryable: true })
    await expect(storage.content.write(descriptor, source.bytes)).rejects.toMatchObject({ code: 'unavailable' })
    await other.restart()
    await channel.ping({ waitForReady: true })
    // It collects what nobody holds a moment after its start.
    await using held = await storage.hold()
    await held.content.write(descriptor, inChunks(bytes))
    expect(await held.content.find(descriptor.digest)).toEqual({ digest: descriptor.digest, size: largeBytes })
  })

  it('a daemon without the snapshotter asked for is refused with its reason', async () => {
    await using opened = await open()
    const { channel } = opened
    const options = { channel, rootId: randomUUID(), locks: new MemoryLocks() }
    await expect(openStorage({ ...options, snapshotterName: 'no-such' })).rejects.toMatchObject({
      code: 'failed_precondition',
      message: /"no-such".*overlayfs/,
    })
    await expect(openStorage({ ...options, snapshotterName: 'devmapper' })).rejects.toMatchObject({ message: /devmapper.*not configured/ })
  })
})
