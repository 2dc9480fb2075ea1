// Against a real registry and real tools; the store is in memory.
import { execFile } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { chainIds } from '../../../src/managers/image/unpack.js'
import { buildImage, buildIndex, buildLayer, busyboxImage, type BuiltImage, putImage } from '../../setup/images.js'
import { ImageLab } from '../../setup/image-context.js'
import { type RunningRegistry, startRegistry } from '../../setup/registry.js'

const run = promisify(execFile)
let registry: RunningRegistry
let directory: string
let busybox: BuiltImage
let lab: ImageLab

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'images-'))
  registry = await startRegistry()
  busybox = await busyboxImage({ extra: [{ name: 'hello', body: 'hello\n' }] })
  await putImage(registry.url, 'library/busybox', '1', busybox)
})
afterAll(async () => {
  await registry?.close()
  await rm(directory, { recursive: true, force: true })
})
beforeEach(() => {
  lab = new ImageLab()
})
const skopeo = (...args: string[]): Promise<unknown> =>
  run('skopeo', ['--insecure-policy', 'copy', '--src-tls-verify=false', '--dest-tls-verify=false', '--quiet', ...args])

describe('pull from docker-registry', () => {
  it('brings an image, unpacked and kept', async () => {
    const ref = `${registry.host}/library/busybox:1`
    const info = await lab.images.pull(ref)
    expect(info).toMatchObject({ id: busybox.configDescriptor.digest, target: busybox.target, names: [ref], config: { command: ['sh'] } })
    await lab.storage.collect()
    expect(lab.snapshots.sort()).toEqual([...chainIds(busybox.layers.map(({ diffId }) => diffId))].sort())
    await lab.images.close()
  })
  it('chooses from an index by platform', async () => {
    const other = buildImage({ layers: [buildLayer([{ name: 'x' }])], platform: { architecture: 'riscv64' } })
    await putImage(registry.url, 'multi', 'all', buildIndex([other, busybox]))
    expect((await lab.images.pull(`${registry.host}/multi:all`)).id).toBe(busybox.configDescriptor.digest)
    expect((await lab.images.pull(`${registry.host}/multi:all`, { platform: 'linux/riscv64' })).id).toBe(other.configDescriptor.digest)
    await lab.images.close()
  })
  it('goes on in the middle of a layer', async () => {
    const bytes = Buffer.alloc(4 << 20, 'abcdefg')
    const image = buildImage({ layers: [buildLayer([{ name: 'big', body: bytes }], { gzip: false })] })
    await putImage(registry.url, 'big', '1', image)
    const [{ descriptor, bytes: whole }] = image.layers as [BuiltImage['layers'][number]]
    lab.state.parts.set(descriptor.digest, whole.subarray(0, 3 << 20))
    const first: number[] = []
    await lab.images.pull(`${registry.host}/big:1`, {
      onProgress: ({ phase, doneBytes }) => {
        if (phase === 'download') first.push(doneBytes)
      },
    })
    expect(Math.min(...first.filter((done) => done > 1 << 20))).toBeGreaterThan(3 << 20)
    expect(lab.blobs).toContain(descriptor.digest)
    await lab.images.close()
  })
  it('throws not_found for a tag and for a repository that are not there', async () => {
    for (const ref of ['library/busybox:none', 'none:1']) {
      await expect(lab.images.pull(`${registry.host}/${ref}`)).rejects.toMatchObject({
        code: 'not_found',
        message: expect.stringContaining(ref) as string,
      })
    }
    await lab.images.close()
  })
})

describe('what skopeo writes', () => {
  it('is loaded from a Docker archive', async () => {
    const path = join(directory, 'docker.tar')
    await skopeo(`docker://${registry.host}/library/busybox:1`, `docker-archive:${path}:example/busybox:2`)
    const [image] = await lab.images.load(createReadStream(path))
    expect(image).toMatchObject({
      names: ['docker.io/example/busybox:2'],
      id: busybox.configDescriptor.digest,
      layers: busybox.layers.map(({ diffId }) => diffId),
    })
  })
  it('is loaded from an OCI archive', async () => {
    const path = join(directory, 'oci.tar')
    await skopeo(`docker://${registry.host}/library/busybox:1`, `oci-archive:${path}:example/busybox:3`)
    const [image] = await lab.images.load(createReadStream(path))
    expect(image).toMatchObject({
      names: ['docker.io/example/busybox:3'],
      layers: busybox.layers.map(({ diffId }) => diffId),
      config: { command: ['sh'] },
    })
  })
  it('is pulled as OCI', async () => {
    await skopeo('--format', 'oci', `docker://${registry.host}/library/busybox:1`, `docker://${registry.host}/oci/busybox:1`)
    const info = await lab.images.pull(`${registry.host}/oci/busybox:1`)
    expect(info).toMatchObject({
      target: { mediaType: 'application/vnd.oci.image.manifest.v1+json' },
      layers: busybox.layers.map(({ diffId }) => diffId),
    })
    await lab.images.close()
  })
})
