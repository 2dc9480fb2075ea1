import { beforeEach, describe, expect, it } from 'vitest'
import { gzipSync } from 'node:zlib'
import {
  buildImage,
  buildIndex,
  buildLayer,
  type BuiltImage,
  chunks,
  dockerArchive,
  json,
  mediaTypes,
  ociArchive,
  sha256,
} from '../../../setup/images.js'
import { ImageLab } from '../../../setup/image-context.js'
import { tar, type TarEntry } from '../../../setup/tar.js'

const entries = (seed: string): TarEntry[] => [{ name: 'etc/' }, { name: `etc/${seed}`, body: seed.repeat(100_000) }]
const plain = (seed: string): Buffer => tar(entries(seed))
const small = buildLayer([{ name: 's', body: 's' }], { gzip: false })
/** As Docker knows it: configs by diff ids, whatever the layers are packed with. */
const one = buildImage({ layers: [buildLayer(entries('a'), { gzip: false }), small], config: { Cmd: ['one'] } })
const two = buildImage({
  layers: [buildLayer(entries('a'), { gzip: false }), buildLayer(entries('b'), { gzip: false })],
  config: { Cmd: ['two'] },
})
const oneArchive = { image: one, plainLayers: [plain('a'), small.bytes], tags: ['one:1', 'registry.example/one:latest'] }
const twoArchive = { image: two, plainLayers: [plain('a'), plain('b')], tags: ['two:2'] }
const oci = buildImage({ layers: [entries('a'), entries('c')], format: 'oci', config: { Cmd: ['oci'] } })
const foreign = buildImage({ layers: [entries('d')], format: 'oci', platform: { architecture: 's390x' } })
let lab: ImageLab

beforeEach(() => {
  lab = new ImageLab()
})
const load = (bytes: Uint8Array, size?: number): ReturnType<ImageLab['images']['load']> => lab.images.load(chunks(bytes, size))
async function left(): Promise<unknown> {
  await lab.storage.collect()
  return { blobs: lab.blobs, snapshots: lab.snapshots, names: lab.names, leases: lab.state.leases.size }
}
const nothing = { blobs: [], snapshots: [], names: [], leases: 0 }
/** An archive of files, for what no honest tool writes. */
const archive = (...files: TarEntry[]): Buffer => tar(files)
const manifest = (list: object): TarEntry => ({ name: 'manifest.json', body: json(list) })
const layoutFiles = (root: BuiltImage): TarEntry[] =>
  [...root.blobs].map(([digest, body]) => ({ name: `blobs/${digest.replace(':', '/')}`, body }))
const index = (...manifests: object[]): TarEntry => ({ name: 'index.json', body: json({ schemaVersion: 2, manifests }) })

describe('load of a Docker archive', () => {
  it('makes all of its images, unpacked and named, so that a collection keeps them', async () => {
    const images = await load(dockerArchive([oneArchive, twoArchive]))
    expect(images).toMatchObject([
      {
        id: one.configDescriptor.digest,
        names: ['docker.io/library/one:1', 'registry.example/one:latest'],
        config: { command: ['one'] },
        layers: one.layers.map(({ diffId }) => diffId),
      },
      { id: two.configDescriptor.digest, names: ['docker.io/library/two:2'] },
    ])
    await lab.storage.collect()
    expect(lab.snapshots).toHaveLength(3)
    expect(lab.blobs).toHaveLength(3 + 2 + 2)
    expect(lab.events).toEqual([`load ${one.configDescriptor.digest}`, `load ${two.configDescriptor.digest}`])
  })
  it('gives the same manifest whatever the pieces and the packing', async () => {
    const [first] = await load(dockerArchive([oneArchive]))
    lab = new ImageLab()
    const [second] = await load(gzipSync(dockerArchive([oneArchive])), 777)
    expect(second?.target).toEqual(first?.target)
  })
  it('takes entries in any order, packed layers, and links to other layers', async () => {
    const layer = gzipSync(plain('a'))
    const [image] = await load(
      archive(
        manifest([{ Config: './c.json', RepoTags: null, Layers: ['x/layer.tar', 'y/layer.tar'] }]),
        { name: 'y/', type: 'directory' },
        { name: 'y/layer.tar', type: 'symlink', linkName: '../z/layer.tar' },
        { name: 'z/layer.tar', body: small.bytes },
        { name: 'x/layer.tar', type: 'link', linkName: 'w/layer.tar' },
        { name: './w/layer.tar', body: layer },
        { name: 'c.json', body: one.config },
      ),
    )
    expect(image).toMatchObject({ id: one.configDescriptor.digest, names: [] })
    expect(lab.blobs).toContain(sha256(layer))
    await lab.storage.collect()
    expect(await lab.images.get(one.configDescriptor.digest)).toMatchObject({ names: [] })
  })
  it('throws data_loss for a layer that is another to its config', async () => {
    await expect(load(dockerArchive([{ ...oneArchive, plainLayers: [plain('x'), small.bytes] }]))).rejects.toMatchObject({
      code: 'data_loss',
    })
    expect(await left()).toEqual(nothing)
  })
  it('takes all of its images or none', async () => {
    const bad = { ...twoArchive, plainLayers: [plain('a'), plain('x')] }
    await expect(load(dockerArchive([oneArchive, bad]))).rejects.toMatchObject({ code: 'data_loss' })
    expect(await left()).toEqual(nothing)
  })
  it.each<[string, TarEntry[]]>([
    ['a missing layer', [manifest([{ Config: 'c', Layers: ['l', 'm'] }]), { name: 'c', body: one.config }]],
    ['a missing config', [manifest([{ Config: 'c', Layers: [] }])]],
    ['a config that is none', [manifest([{ Config: 'c', Layers: [] }]), { name: 'c', body: 'no' }]],
    ['fewer layers than its config', [manifest([{ Config: 'c', Layers: [] }]), { name: 'c', body: one.config }]],
    ['a manifest that is none', [{ name: 'manifest.json', body: '{"a":1}' }]],
    ['a manifest without images', [manifest([])]],
    [
      'links in a circle',
      [
        manifest([{ Config: 'c', Layers: [] }]),
        { name: 'c', type: 'symlink', linkName: 'd' },
        { name: 'd', type: 'symlink', linkName: 'c' },
      ],
    ],
    [
      'a malformed name',
      [
        manifest([{ Config: 'c', Layers: ['l', 's'], RepoTags: ['UPPER CASE'] }]),
        { name: 'c', body: one.config },
        { name: 'l', body: plain('a') },
        { name: 's', body: small.bytes },
      ],
    ],
  ])('throws invalid_argument for %s', async (_, files) => {
    await expect(load(archive(...files))).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await left()).toEqual(nothing)
  })
})

describe('load of an OCI layout', () => {
  it('takes names from the annotations and keeps what a collection must not take', async () => {
    const [image] = await load(
      ociArchive([{ root: oci, name: 'docker.io/library/oci:1', annotations: { 'org.opencontainers.image.ref.name': '1' } }]),
    )
    expect(image).toMatchObject({ id: oci.configDescriptor.digest, target: oci.target, names: ['docker.io/library/oci:1'] })
    await lab.storage.collect()
    expect(lab.blobs.sort()).toEqual([...oci.blobs.keys()].sort())
  })
  it('takes a whole reference from the annotation of the specification, and no bare tag', async () => {
    await load(
      ociArchive([
        { root: oci, annotations: { 'org.opencontainers.image.ref.name': 'registry.example/a:1' } },
        { root: one, annotations: { 'org.opencontainers.image.ref.name': 'latest' } },
      ]),
    )
    expect(lab.names).toEqual(['registry.example/a:1', `dangling@${one.target.digest}`])
  })
  it('takes from an index what runs here, and leaves out what is not in the archive', async () => {
    const both = buildIndex([foreign, oci])
    const absent = new Map([...both.blobs].filter(([digest]) => !foreign.blobs.has(digest) || oci.blobs.has(digest)))
    const [image] = await load(ociArchive([{ root: { ...both, blobs: absent }, name: 'a:1' }]))
    expect(image).toMatchObject({ id: oci.configDescriptor.digest, target: both.target })
  })
  it('takes an image for another machine when there is no other', async () => {
    expect(await load(ociArchive([{ root: buildIndex([foreign]), name: 'a:1' }]))).toMatchObject([{ platform: 'linux/s390x' }])
  })
  it('reads what current versions of Docker save', async () => {
    const [image] = await load(
      archive(
        ...layoutFiles(oci),
        index(oci.target),
        { name: 'oci-layout', body: '{"imageLayoutVersion":"1.0.0"}' },
        manifest([{ Config: `blobs/sha256/${oci.configDescriptor.digest.slice(7)}`, RepoTags: ['a:1', 'b:2'], Layers: [] }]),
      ),
    )
    expect(image?.names).toEqual(['docker.io/library/a:1', 'docker.io/library/b:2'])
  })
  it('throws data_loss for a blob with another digest than its name says', async () => {
    const files = layoutFiles(oci).map((file) =>
      file.name.includes(oci.layers[0]!.descriptor.digest.slice(7)) ? { ...file, body: Buffer.alloc(oci.layers[0]!.bytes.length) } : file,
    )
    await expect(load(archive(...files, index(oci.target)))).rejects.toMatchObject({ code: 'data_loss' })
    expect(await left()).toEqual(nothing)
  })
  it('throws data_loss for sizes that are lies', async () => {
    await expect(load(archive(...layoutFiles(oci), index({ ...oci.target, size: 7 })))).rejects.toMatchObject({ code: 'data_loss' })
    const lying = json({
      schemaVersion: 2,
      mediaType: mediaTypes.oci.manifest,
      config: oci.configDescriptor,
      layers: oci.layers.map(({ descriptor }) => ({ ...descriptor, size: 1 })),
    })
    const target = { mediaType: mediaTypes.oci.manifest, digest: sha256(lying), size: lying.length }
    await expect(
      load(archive(...layoutFiles(oci), { name: `blobs/sha256/${target.digest.slice(7)}`, body: lying }, index(target))),
    ).rejects.toMatchObject({ code: 'data_loss' })
    expect(await left()).toEqual(nothing)
  })
  it('throws invalid_argument when a blob is missing', async () => {
    for (const missing of [oci.target, oci.configDescriptor, oci.layers[1]!.descriptor]) {
      const files = layoutFiles(oci).filter(({ name }) => !name.includes(missing.digest.slice(7)))
      await expect(load(archive(...files, index(oci.target)))).rejects.toMatchObject({ code: 'invalid_argument' })
    }
    expect(await left()).toEqual(nothing)
  })
  it('does not follow an index that lists itself', async () => {
    const deep = (depth: number): object => ({
      schemaVersion: 2,
      manifests: [
        depth === 0
          ? oci.target
          : { mediaType: mediaTypes.oci.index, digest: sha256(json(deep(depth - 1))), size: json(deep(depth - 1)).length },
      ],
    })
    const files = Array.from({ length: 8 }, (_, depth) => json(deep(depth))).map((body) => ({
      name: `blobs/sha256/${sha256(body).slice(7)}`,
      body,
    }))
    await expect(load(archive(...layoutFiles(oci), ...files, { name: 'index.json', body: json(deep(7)) }))).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })
})

describe('load of a hostile archive', () => {
  it.each<[string, TarEntry[]]>([
    ['a name that goes up', [{ name: '../x', body: 'x' }]],
    ['an absolute name', [{ name: '/etc/passwd', body: 'x' }]],
    ['a link that leads out', [{ name: 'a/b', type: 'symlink', linkName: '../../etc/passwd' }]],
    ['an absolute link', [{ name: 'a', type: 'symlink', linkName: '/etc/passwd' }]],
    ['a hard link that leads out', [{ name: 'a', type: 'link', linkName: '../x' }]],
    ['a device', [{ name: 'a', type: 'character' }]],
    ['a fifo', [{ name: 'a', type: 'fifo' }]],
    [
      'a file twice',
      [
        { name: 'a', body: '1' },
        { name: './a', body: '2' },
      ],
    ],
    [
      'a file and a link of one name',
      [
        { name: 'a', body: '1' },
        { name: 'a', type: 'symlink', linkName: 'b' },
      ],
    ],
    ['a huge manifest', [{ name: 'manifest.json', size: 1 << 30 }]],
    ['a member of an absurd size', [{ name: 'a', size: Number.MAX_SAFE_INTEGER }]],
    ['more bytes in a header than follow', [{ name: 'a', body: 'x'.repeat(1000), size: 1 << 30 }]],
    ['a huge extended header', [{ name: 'a', type: 'pax', size: 1 << 30 }]],
    ['a huge long name', [{ name: 'a', type: 'gnu-name', size: 1 << 30 }]],
    ['a damaged extended header', [{ name: 'a', type: 'pax', body: '9999 path=x\n' }]],
    ['neither format', [{ name: 'etc/passwd', body: 'x' }]],
  ])('throws invalid_argument for %s and leaves nothing', async (_, files) => {
    await expect(load(archive(...files))).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await left()).toEqual(nothing)
  })
  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['no tar', Buffer.alloc(5000, 'x')],
    ['a cut one', dockerArchive([oneArchive]).subarray(0, 100_100)],
    ['damaged gzip', Buffer.concat([gzipSync(dockerArchive([oneArchive])).subarray(0, 500), Buffer.alloc(500, 7)])],
    ['cut gzip', gzipSync(dockerArchive([oneArchive])).subarray(0, 500)],
  ])('throws invalid_argument for %s', async (_, bytes) => {
    await expect(load(bytes)).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await left()).toEqual(nothing)
  })
  it.each([
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
    ['bzip2', [0x42, 0x5a, 0x68, 0x39, 0, 0]],
  ])('says that %s cannot be read', async (name, magic) => {
    await expect(load(Buffer.from(magic))).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining(name) as string })
  })
  it('takes 100 000 entries without holding anything else up', async () => {
    const many = tar([
      ...Array.from({ length: 100_000 }, (_, at) => ({ name: `junk/${at}`, body: at % 10 === 0 ? 'x' : '' })),
      manifest([{ Config: 'c', Layers: ['l', 's'] }]),
      { name: 'c', body: one.config },
      { name: 'l', body: plain('a') },
      { name: 's', body: small.bytes },
    ])
    let turns = 0
    const timer = setInterval(() => {
      turns++
    }, 1)
    try {
      expect(await load(many, 1 << 20)).toHaveLength(1)
    } finally {
      clearInterval(timer)
    }
    expect(turns).toBeGreaterThan(20)
    expect(lab.blobs).toHaveLength(4)
  })
  it('passes on what the source fails with', async () => {
    const failing = (async function* (): AsyncGenerator<Uint8Array> {
      yield dockerArchive([oneArchive]).subarray(0, 1000)
      throw new Error('disk')
    })()
    await expect(lab.images.load(failing)).rejects.toThrow('disk')
    expect(await left()).toEqual(nothing)
  })
  it('an abort in the middle leaves nothing and frees the source', async () => {
    const abort = new AbortController()
    let freed = false
    const source = (async function* (): AsyncGenerator<Uint8Array> {
      try {
        for await (const chunk of chunks(dockerArchive([oneArchive, twoArchive]), 4096)) yield chunk
      } finally {
        freed = true
      }
    })()
    const loading = lab.images.load(source, {
      signal: abort.signal,
      onProgress: () => {
        abort.abort(new Error('stop'))
      },
    })
    await expect(loading).rejects.toThrow('stop')
    expect(freed).toBe(true)
    expect(await left()).toEqual(nothing)
  })
})

describe('import', () => {
  it.each([
    ['plain', (bytes: Buffer): Buffer => bytes],
    ['gzip', gzipSync],
  ])('makes an image of one layer of a %s tar and keeps the bytes', async (_, pack) => {
    const bytes = pack(plain('a'))
    const info = await lab.images.import(chunks(bytes), {
      reference: 'base:1',
      config: { command: ['sh'], env: { A: '1' }, labels: { l: '1' } },
      platform: 'linux/arm64',
    })
    expect(info).toMatchObject({
      names: ['docker.io/library/base:1'],
      platform: 'linux/arm64',
      layers: [sha256(plain('a'))],
      config: { command: ['sh'], env: { A: '1' }, labels: { l: '1' } },
      createdAt: new Date(0),
    })
    expect(lab.blobs).toContain(sha256(bytes))
    const again = await new ImageLab().images.import(chunks(bytes, 100), {
      reference: 'base:1',
      config: { command: ['sh'], env: { A: '1' }, labels: { l: '1' } },
      platform: 'linux/arm64',
    })
    expect(again.target).toEqual(info.target)
    await lab.storage.collect()
    expect(lab.blobs).toHaveLength(3)
    expect(lab.events).toEqual(['import docker.io/library/base:1'])
  })
  it('makes an image without a name, and of a root without a file', async () => {
    const info = await lab.images.import(chunks(Buffer.alloc(10_240)))
    expect(info.names).toEqual([])
    await lab.storage.collect()
    expect(await lab.images.get(info.id)).toMatchObject({ names: [] })
  })
  it.each([
    ['no tar', Buffer.alloc(2000, 'x')],
    ['nothing', Buffer.alloc(0)],
    ['gzip of no tar', gzipSync(Buffer.alloc(2000, 'x'))],
    ['cut gzip', gzipSync(plain('a')).subarray(0, -30)],
    ['damaged gzip', Buffer.concat([gzipSync(plain('a')).subarray(0, 100), Buffer.alloc(100_000, 9)])],
  ])('throws invalid_argument for %s', async (_, bytes) => {
    await expect(lab.images.import(chunks(bytes, 1000))).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(await left()).toEqual(nothing)
  })
  it('refuses a name with a digest before it reads', async () => {
    await expect(lab.images.import(chunks(plain('a')), { reference: `a@${one.target.digest}` })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
  })
})

describe('an abort while the archive keeps us waiting', () => {
  /** So many of its bytes, and no more. */
  async function* stalled(bytes: Uint8Array, count: number): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, count)
    await new Promise(() => {})
  }
  const whole = dockerArchive([oneArchive])
  it.each([0, 600, whole.length >> 1])('ends a load after %s bytes, and an import', async (count) => {
    for (const take of ['load', 'import'] as const) {
      const abort = new AbortController()
      const taking = lab.images[take](stalled(whole, count), { signal: abort.signal })
      const told = expect(taking, take).rejects.toThrow('enough')
      await new Promise((resolve) => setTimeout(resolve, 50))
      abort.abort(new Error('enough'))
      await told
    }
    expect(await left()).toEqual(nothing)
  })
})
