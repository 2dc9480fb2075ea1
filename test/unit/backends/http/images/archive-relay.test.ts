import { execFileSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ArchiveRelay, type RelayOptions } from '../../../../../src/backends/http/images/archive-relay.js'
import { buildImage, buildIndex, chunks, dockerArchive, ociArchive, plainLayers } from '../../../../setup/images.js'
import { tar } from '../../../../setup/tar.js'

const platform = { os: 'linux', architecture: 'amd64' }
const image = (architecture: string = 'amd64', format: 'docker' | 'oci' = 'oci') =>
  buildImage({ format, platform: { architecture }, layers: [[{ name: 'a', body: architecture }]] })
const name = 'registry.example/relay:1'

async function relayed(bytes: Uint8Array, options: Partial<RelayOptions> = {}) {
  const relay = new ArchiveRelay(chunks(bytes, 1_000), { platform, layouts: false, ...options })
  const parts: Uint8Array[] = []
  for await (const part of relay.bytes()) parts.push(part)
  const input = Buffer.concat(parts)
  const names = execFileSync('tar', ['-tf', '-'], { input }).toString().trimEnd().split('\n')
  const text = (file: string): string => execFileSync('tar', ['-xOf', '-', file], { input }).toString()
  return { images: relay.images, names, text }
}

describe('ArchiveRelay', () => {
  it('lists the images of a layout for a daemon that knows none, and takes the marks of a layout away', async () => {
    const one = image()
    const { images, names, text } = await relayed(ociArchive([{ root: one, name }]))
    expect(images).toEqual([{ id: one.configDescriptor.digest, names: [name] }])
    expect(names).not.toContain('index.json')
    expect(names).not.toContain('oci-layout')
    const blob = (digest: string): string => `blobs/sha256/${digest.slice(7)}`
    expect(JSON.parse(text('manifest.json'))).toEqual([
      { Config: blob(one.configDescriptor.digest), RepoTags: [name], Layers: one.layers.map(({ descriptor }) => blob(descriptor.digest)) },
    ])
    for (const { descriptor } of one.layers) expect(names).toContain(blob(descriptor.digest))
  })
  it("takes the daemon's platform out of an index", async () => {
    const [arm, amd] = [image('arm64'), image('amd64')]
    const { images } = await relayed(ociArchive([{ root: buildIndex([arm, amd]), name }]))
    expect(images).toEqual([{ id: amd.configDescriptor.digest, names: [name] }])
  })
  it('leaves a layout as it is for a daemon that takes them', async () => {
    const one = image()
    const { images, names } = await relayed(ociArchive([{ root: one, name }]), { layouts: true })
    expect(images).toEqual([{ id: one.configDescriptor.digest, names: [name] }])
    expect(names).toContain('index.json')
    expect(names).not.toContain('manifest.json')
  })
  it.each([false, true])("passes Docker's own on, and knows what is in it (compressed: %s)", async (compressed) => {
    const one = image('amd64', 'docker')
    const archive = dockerArchive([{ image: one, plainLayers: plainLayers(one), tags: ['busybox:1', name] }])
    const { images, names } = await relayed(compressed ? gzipSync(archive) : archive)
    expect(images).toEqual([{ id: one.configDescriptor.digest, names: ['docker.io/library/busybox:1', name] }])
    expect(names).toEqual(execFileSync('tar', ['-tf', '-'], { input: archive }).toString().trimEnd().split('\n'))
  })
  it('tells how far it is, file by file', async () => {
    const seen: [string, number, number][] = []
    const one = image()
    await relayed(ociArchive([{ root: one, name }]), { onMember: (...told) => void seen.push(told) })
    const layer = `blobs/sha256/${one.layers[0]?.descriptor.digest.slice(7) ?? ''}`
    expect(seen.filter(([file]) => file === layer).at(-1)).toEqual([layer, one.layers[0]?.bytes.length, one.layers[0]?.bytes.length])
  })
  it('never ends for what is no archive of images, so that nobody takes it for whole', async () => {
    const layout = ociArchive([{ root: image(), name }])
    const missing = tar([
      { name: 'index.json', body: Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [image().target] })) },
      { name: 'oci-layout', body: Buffer.from('{}') },
    ])
    for (const bytes of [Buffer.alloc(0), Buffer.from('junk'), layout.subarray(0, layout.length >> 1), tar([{ name: 'etc/' }]), missing])
      await expect(relayed(bytes)).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})
