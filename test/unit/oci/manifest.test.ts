import { describe, expect, it } from 'vitest'
import { pairLayers, readImageConfig, writeImageConfig } from '../../../src/oci/image-config.js'
import { MAX_MANIFEST_BYTES, readManifest } from '../../../src/oci/manifest.js'
import { isForeignLayerType, isLayerType, layerCompression, mediaTypes } from '../../../src/oci/media-types.js'

const what = { what: 'manifest "m"' }
const digest = (n: number): `sha256:${string}` => `sha256:${String(n).padStart(64, '0')}`
const bytes = (json: unknown): Uint8Array => Buffer.from(typeof json === 'string' ? json : JSON.stringify(json))
const config = { mediaType: mediaTypes.ociConfig, digest: digest(1), size: 10 }
const layer = { mediaType: mediaTypes.ociLayerGzip, digest: digest(2), size: 20 }
const manifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] }
const index = {
  schemaVersion: 2,
  mediaType: mediaTypes.ociIndex,
  manifests: [
    { mediaType: mediaTypes.ociManifest, digest: digest(3), size: 30, platform: { os: 'linux', architecture: 'arm64', variant: 'v8' } },
  ],
}

describe('readManifest', () => {
  it('reads a manifest and an index', () => {
    expect(readManifest(bytes(manifest), undefined, what)).toEqual({
      kind: 'manifest',
      mediaType: mediaTypes.ociManifest,
      config,
      layers: [layer],
      annotations: {},
    })
    expect(readManifest(bytes(index), undefined, what)).toEqual({
      kind: 'index',
      mediaType: mediaTypes.ociIndex,
      manifests: index.manifests,
      annotations: {},
    })
  })

  it('takes the declared type where the document has none, and null for an empty list', () => {
    const { mediaType: _mediaType, ...bare } = manifest
    expect(readManifest(bytes({ ...bare, layers: null }), mediaTypes.dockerManifest, what)).toMatchObject({
      mediaType: mediaTypes.dockerManifest,
      layers: [],
    })
    expect(readManifest(bytes(bare), 'text/plain', what)).toMatchObject({ mediaType: mediaTypes.ociManifest })
  })

  it.each([
    ['HTML', '<html>'],
    ['no object', '[]'],
    ['null', 'null'],
    ['schema 1', { schemaVersion: 1, fsLayers: [] }],
    ['a manifest and an index at once', { ...manifest, manifests: [] }],
    ['an index that says manifest', { ...index, mediaType: mediaTypes.ociManifest }],
    ['a manifest that says index', { ...manifest, mediaType: mediaTypes.dockerIndex }],
    ['no config', { schemaVersion: 2, layers: [] }],
    ['a negative size', { ...manifest, layers: [{ ...layer, size: -1 }] }],
    ['a fraction of a byte', { ...manifest, layers: [{ ...layer, size: 1.5 }] }],
    ['a huge size', { ...manifest, layers: [{ ...layer, size: 2 ** 53 }] }],
    ['sizes that overflow together', { ...manifest, layers: [{ ...layer, size: 2 ** 53 - 1 }, layer] }],
    ['a config of 9 MiB', { ...manifest, config: { ...config, size: 9 << 20 } }],
    ['an unknown digest', { ...manifest, layers: [{ ...layer, digest: 'md5:x' }] }],
    ['a layer without a type', { ...manifest, layers: [{ digest: digest(2), size: 1 }] }],
    ['513 layers', { ...manifest, layers: Array.from({ length: 513 }, () => layer) }],
    ['2049 entries', { ...index, manifests: Array.from({ length: 2049 }, () => index.manifests[0]) }],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('refuses %s as data_loss', (_title, document) => {
    expect(() => readManifest(document instanceof Uint8Array ? document : bytes(document), undefined, what)).toThrow(
      expect.objectContaining({ code: 'data_loss', message: expect.stringContaining('manifest "m"') as string }),
    )
  })

  it('refuses one that is not what it was declared as', () => {
    expect(() => readManifest(bytes(index), mediaTypes.ociManifest, what)).toThrow('is not what its type')
  })

  it('refuses one above the limit before parsing it', () => {
    expect(() => readManifest(new Uint8Array(MAX_MANIFEST_BYTES + 1), undefined, what)).toThrow('larger than')
  })

  it("names an archive's mistake invalid_argument when told so", () => {
    expect(() => readManifest(bytes('x'), undefined, { ...what, code: 'invalid_argument' })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    )
  })
})

describe('readImageConfig', () => {
  const document = {
    os: 'linux',
    architecture: 'x86_64',
    created: '2026-01-02T03:04:05Z',
    config: {
      Entrypoint: ['/e'],
      Cmd: 'one',
      Env: ['A=1', 'B=x=y', 'BAD', '=bad', 'A=2'],
      WorkingDir: '/w',
      User: 'u',
      StopSignal: 'SIGQUIT',
      Labels: { l: '1' },
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/data': {} },
      Unknown: 1,
    },
    rootfs: { type: 'layers', diff_ids: [digest(4)] },
    history: [
      { created: '2026-01-02T03:04:05Z', created_by: 'RUN x' },
      { empty_layer: true, comment: 'c' },
    ],
  }

  it('reads what a container needs', () => {
    expect(readImageConfig(bytes(document), what)).toMatchObject({
      platform: { os: 'linux', architecture: 'amd64' },
      createdAt: new Date('2026-01-02T03:04:05Z'),
      diffIds: [digest(4)],
      config: {
        entrypoint: ['/e'],
        command: ['one'],
        env: { A: '2', B: 'x=y' },
        workingDir: '/w',
        user: 'u',
        stopSignal: 'SIGQUIT',
        labels: { l: '1' },
        exposedPorts: ['80/tcp'],
        volumes: ['/data'],
      },
      history: [
        { createdBy: 'RUN x', emptyLayer: false },
        { createdBy: '', comment: 'c', emptyLayer: true },
      ],
    })
  })

  it('takes null and absent for nothing', () => {
    const empty = readImageConfig(
      bytes({ rootfs: { diff_ids: null }, config: { Cmd: null, Env: null, Labels: null }, history: null, created: 'yesterday' }),
      what,
    )
    expect(empty).toEqual({ platform: { os: 'linux', architecture: 'unknown' }, config: {}, diffIds: [], history: [] })
  })

  it('writes what it reads back', () => {
    const once = readImageConfig(bytes(document), what)
    expect(readImageConfig(writeImageConfig(once), what)).toEqual(once)
    expect(writeImageConfig(once)).toEqual(writeImageConfig(once))
  })

  it('refuses a config of another shape', () => {
    for (const wrong of [{}, { rootfs: { diff_ids: ['x'] } }, { rootfs: {}, config: { Env: [1] } }, 'x']) {
      expect(() => readImageConfig(bytes(wrong), what)).toThrow(expect.objectContaining({ code: 'data_loss' }))
    }
  })

  it('pairs layers with diff ids and refuses other counts', () => {
    expect(pairLayers({ layers: [layer] }, { diffIds: [digest(4)] }, what)).toEqual([{ layer, diffId: digest(4) }])
    expect(() => pairLayers({ layers: [layer] }, { diffIds: [] }, what)).toThrow('has 1 layers, its config 0')
  })
})

describe('media types', () => {
  it('tells how a layer is packed', () => {
    expect(
      [
        mediaTypes.ociLayer,
        mediaTypes.ociLayerGzip,
        mediaTypes.ociLayerZstd,
        mediaTypes.dockerLayerGzip,
        mediaTypes.dockerLayer,
        'x/y',
      ].map(layerCompression),
    ).toEqual(['none', 'gzip', 'zstd', 'gzip', 'none', undefined])
  })
  it('knows foreign layers', () => {
    expect(isForeignLayerType(mediaTypes.dockerForeignLayerGzip) && isLayerType(mediaTypes.dockerForeignLayerGzip)).toBe(true)
    expect(isForeignLayerType('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip')).toBe(true)
    expect(isForeignLayerType(mediaTypes.ociLayer)).toBe(false)
  })
})
