// Images in a real containerd: its own client accepts what we pull, and we what it has pulled.
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openChannel } from '../../../src/backends/containerd/channel.js'
import { openStorage } from '../../../src/backends/containerd/storage/storage.js'
import { openFileLocks } from '../../../src/backends/host/file-locks.js'
import { ensureUnpacked, lookupImage } from '../../../src/managers/image/lookup.js'
import { repairUnpacking } from '../../../src/managers/image/repair.js'
import { chainIds } from '../../../src/managers/image/unpack.js'
import { ImageManager } from '../../../src/managers/images.js'
import type { Closeable } from '../../../src/model/common.js'
import type { Storage } from '../../../src/ports/engine/storage.js'
import { closeable } from '../../../src/util/closeable.js'
import { startTestContainerd, type TestContainerd } from '../../setup/containerd.js'
import {
  buildImage,
  buildIndex,
  buildLayer,
  busyboxImage,
  type BuiltImage,
  type BuiltIndex,
  chunks,
  dockerArchive,
  putImage,
} from '../../setup/images.js'
import { type RunningRegistry, startRegistry } from '../../setup/registry.js'
import { tar } from '../../setup/tar.js'

let daemon: TestContainerd
let registry: RunningRegistry
let namespace: string
let busybox: BuiltImage
let index: BuiltIndex
let opened: Opened

interface Opened extends Closeable {
  readonly images: ImageManager
  readonly storage: Storage
}
beforeAll(async () => {
  const other = buildImage({ layers: [buildLayer([{ name: 'x', body: 'x' }])], platform: { architecture: 's390x' } })
  ;[daemon, registry, busybox] = await Promise.all([
    startTestContainerd(),
    startRegistry(),
    busyboxImage({ extra: [{ name: 'hello', body: 'hello\n' }] }),
  ])
  index = buildIndex([other, busybox])
  await putImage(registry.url, 'busybox', '1', index)
})
afterAll(async () => {
  await daemon?.close()
  await registry?.close()
})
beforeEach(async () => {
  namespace = `images-${randomUUID()}`
  opened = await open()
})
afterEach(() => opened.close())

/** One process on the namespace. */
async function open(rootId: string = randomUUID()): Promise<Opened> {
  const channel = await openChannel({ address: daemon.address, namespace })
  const locks = await openFileLocks(join(daemon.directory, 'locks', rootId))
  const storage = await openStorage({ channel, rootId, locks })
  const images = new ImageManager({
    backend: 'containerd',
    storage,
    locks,
    usedBy: async () => [],
    emit: async () => {},
    failedUndo: ({ step, error }) => {
      throw new Error(step, { cause: error })
    },
  })
  return {
    images,
    storage,
    ...closeable(async () => {
      await images.close()
      await channel.close()
      await locks.close()
    }),
  }
}
async function ctr(...args: string[]): Promise<string> {
  return (await promisify(execFile)('ctr', ['--address', daemon.address, '--namespace', namespace, ...args])).stdout
}
const ref = (): string => `${registry.host}/busybox:1`
const leases = async (): Promise<string> => ctr('leases', 'ls', '--quiet')

describe('images in containerd', () => {
  it('are complete and unpacked to its own client', async () => {
    await opened.images.pull(ref())
    await opened.storage.collect()
    expect(await ctr('images', 'check', '--quiet')).toContain(ref())
    expect(await ctr('images', 'check')).toMatch(/complete \(3\/3\).*true/)
    expect(await ctr('snapshots', 'ls')).toContain(chainIds(busybox.layers.map(({ diffId }) => diffId))[1])
    expect(await leases()).toBe('')
  })
  it('are taken from its own client, unpacked or not', async () => {
    await ctr('images', 'pull', '--plain-http', ref())
    expect(await opened.images.get(ref())).toMatchObject({ id: busybox.configDescriptor.digest, names: [ref()], target: index.target })
    await ctr('images', 'rm', '--sync', ref())
    await ctr('content', 'fetch', '--plain-http', ref())
    const image = await lookupImage(opened.images.context, ref())
    expect(await opened.storage.snapshotter().find(image.chainId ?? '')).toBeUndefined()
    expect(await ensureUnpacked(opened.images.context, image)).toBe(image.chainId)
    await opened.storage.collect()
    expect(await ctr('images', 'check')).toMatch(/complete \(3\/3\).*true/)
  })
  it('are pulled by several processes and its own client at once', async () => {
    const rootId = randomUUID()
    const processes = await Promise.all([open(rootId), open(rootId), open()])
    await Promise.all([...processes.map(({ images }) => images.pull(ref())), ctr('images', 'pull', '--plain-http', ref())])
    await Promise.all(processes.map((one) => one.close()))
    await opened.storage.collect()
    expect(await ctr('images', 'check')).toMatch(/complete \(3\/3\).*true/)
    expect(await ctr('snapshots', 'ls')).not.toContain('extract-')
    expect(await leases()).toBe('')
  })
  it('are loaded, imported, tagged and removed without a trace', async () => {
    const layer = buildLayer([{ name: 'a', body: 'a'.repeat(3 << 20) }], { gzip: false })
    const image = buildImage({ layers: [layer] })
    const [loaded] = await opened.images.load(chunks(dockerArchive([{ image, plainLayers: [layer.bytes], tags: ['loaded:1'] }])))
    expect(loaded).toMatchObject({ id: image.configDescriptor.digest, names: ['docker.io/library/loaded:1'] })
    const imported = await opened.images.import(chunks(tar([{ name: 'b', body: 'b'.repeat(100_000) }])), { reference: 'imported:1' })
    await opened.images.tag('imported:1', 'tagged:1')
    await opened.storage.collect()
    expect((await ctr('images', 'check')).match(/complete \(2\/2\).*true/g)).toHaveLength(3)
    await opened.images.remove(imported.id, { force: true })
    await opened.images.remove('loaded:1')
    await opened.storage.collect()
    expect(await ctr('content', 'ls', '--quiet')).toBe('')
    expect((await ctr('snapshots', 'ls')).trim().split('\n')).toHaveLength(1)
  })
  it('leave nothing when a pull is aborted while it unpacks', async () => {
    const abort = new AbortController()
    const pulling = opened.images.pull(ref(), {
      signal: abort.signal,
      onProgress: ({ phase }) => {
        if (phase === 'unpack') abort.abort(new Error('stop'))
      },
    })
    await expect(pulling).rejects.toThrow('stop')
    await opened.storage.collect()
    expect(await ctr('content', 'ls', '--quiet')).toBe('')
    expect((await ctr('snapshots', 'ls')).trim().split('\n')).toHaveLength(1)
    expect(await leases()).toBe('')
  })
  it('of a process that died while it unpacked are put right', async () => {
    const snapshotter = opened.storage.snapshotter()
    await snapshotter.prepare(`extract-${randomUUID()} sha256:x`, undefined)
    expect(await repairUnpacking(opened.images.context)).toHaveLength(1)
    expect((await ctr('snapshots', 'ls')).trim().split('\n')).toHaveLength(1)
  })
})
