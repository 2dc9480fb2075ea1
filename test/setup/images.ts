// Small images for tests, built in memory: from the machine's static busybox, or from any entries.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Descriptor, Digest } from '../../src/model/common.js'
import { tar, type TarEntry } from './tar.js'

export interface BuiltLayer {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
  readonly diffId: Digest
}
export interface BuiltImage {
  /** Of the manifest. */
  readonly target: Descriptor
  readonly manifest: Buffer
  readonly config: Buffer
  readonly configDescriptor: Descriptor
  readonly layers: readonly BuiltLayer[]
  readonly platform: { readonly os: string; readonly architecture: string; readonly variant?: string }
  /** Manifest, config and layers by digest. */
  readonly blobs: ReadonlyMap<Digest, Buffer>
}
export interface BuiltIndex {
  readonly target: Descriptor
  readonly manifest: Buffer
  /** With those of all its images. */
  readonly blobs: ReadonlyMap<Digest, Buffer>
}
export interface BuildOptions {
  readonly layers: readonly (readonly TarEntry[] | BuiltLayer)[]
  /** The `config` field of the image configuration, as OCI spells it. */
  readonly config?: Readonly<Record<string, unknown>>
  readonly platform?: { readonly os?: string; readonly architecture?: string; readonly variant?: string }
  /** Default `docker`. */
  readonly format?: 'docker' | 'oci'
  /** Default true. */
  readonly gzip?: boolean
  /** Instead of the true ones. */
  readonly diffIds?: readonly string[]
}

export const mediaTypes = {
  docker: {
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar',
    gzip: '.gzip',
  },
  oci: {
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    index: 'application/vnd.oci.image.index.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar',
    gzip: '+gzip',
  },
} as const

/** As the image specification calls this machine's. */
export const hostArchitecture: string = ({ x64: 'amd64', ia32: '386' } as Record<string, string>)[process.arch] ?? process.arch

export function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
export function describeBytes(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: sha256(bytes), size: bytes.length }
}

export function buildLayer(
  entries: readonly TarEntry[],
  { format = 'docker', gzip = true }: Pick<BuildOptions, 'format' | 'gzip'> = {},
): BuiltLayer {
  const types = mediaTypes[format]
  const plain = tar(entries)
  const bytes = gzip ? gzipSync(plain, { level: 1 }) : plain
  return { descriptor: describeBytes(gzip ? types.layer + types.gzip : types.layer, bytes), bytes, diffId: sha256(plain) }
}

/** The same options give the same image. */
export function buildImage(options: BuildOptions): BuiltImage {
  const types = mediaTypes[options.format ?? 'docker']
  const layers = options.layers.map((layer) => ('descriptor' in layer ? layer : buildLayer(layer, options)))
  const platform = { os: 'linux', architecture: hostArchitecture, ...options.platform }
  const config = json({
    created: '2020-01-02T03:04:05Z',
    ...platform,
    config: options.config ?? {},
    rootfs: { type: 'layers', diff_ids: options.diffIds ?? layers.map(({ diffId }) => diffId) },
    history: layers.map(() => ({ created: '2020-01-02T03:04:05Z', created_by: 'test' })),
  })
  const configDescriptor = describeBytes(types.config, config)
  const manifest = json({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: configDescriptor,
    layers: layers.map(({ descriptor }) => descriptor),
  })
  const target = describeBytes(types.manifest, manifest)
  const blobs = new Map<Digest, Buffer>([
    [target.digest, manifest],
    [configDescriptor.digest, config],
  ])
  for (const { descriptor, bytes } of layers) blobs.set(descriptor.digest, bytes)
  return { target, manifest, config, configDescriptor, layers, platform, blobs }
}

/** `extra` are further entries of `manifests`, such as attestations. */
export function buildIndex(images: readonly BuiltImage[], format: 'docker' | 'oci' = 'oci', extra: readonly object[] = []): BuiltIndex {
  const type = mediaTypes[format].index
  const manifest = json({
    schemaVersion: 2,
    mediaType: type,
    manifests: [...images.map(({ target, platform }) => ({ ...target, platform })), ...extra],
  })
  const target = describeBytes(type, manifest)
  const blobs = new Map<Digest, Buffer>([[target.digest, manifest]])
  for (const image of images) for (const [digest, bytes] of image.blobs) blobs.set(digest, bytes)
  return { target, manifest, blobs }
}

let busybox: Promise<BuiltLayer> | undefined
/** /bin with busybox and a link for each applet, users `root`, `daemon` and `app` (1000:1000), an empty /tmp. */
export function busyboxLayer(): Promise<BuiltLayer> {
  return (busybox ??= (async (): Promise<BuiltLayer> => {
    const path = '/bin/busybox'
    const binary = await readFile(path)
    const { stdout } = await promisify(execFile)(path, ['--list'])
    const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')
    return buildLayer([
      ...['bin/', 'dev/', 'etc/', 'home/', 'proc/', 'root/', 'sys/', 'usr/', 'usr/bin/', 'var/'].map((name) => ({ name })),
      { name: 'tmp/', mode: 0o1777 },
      { name: 'home/app/', uid: 1000, gid: 1000 },
      { name: 'bin/busybox', body: binary, mode: 0o755 },
      ...applets.map((name): TarEntry => ({ name: `bin/${name}`, type: 'symlink', linkName: 'busybox' })),
      {
        name: 'etc/passwd',
        body: 'root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/usr/sbin:/bin/false\napp:x:1000:1000::/home/app:/bin/sh\n',
      },
      { name: 'etc/group', body: 'root:x:0:\ndaemon:x:1:\nvideo:x:44:app\nusers:x:100:app\napp:x:1000:\n' },
    ])
  })())
}
/** What most tests run. `extra` becomes a second layer. */
export async function busyboxImage(
  options: Omit<BuildOptions, 'layers'> & { readonly extra?: readonly TarEntry[] } = {},
): Promise<BuiltImage> {
  const { extra, ...rest } = options
  const config = { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'], ...options.config }
  return buildImage({ ...rest, config, layers: [await busyboxLayer(), ...(extra === undefined ? [] : [extra])] })
}

/** As `docker save` wrote it before version 25: layers uncompressed, the manifest last. */
export function dockerArchive(
  images: readonly { readonly image: BuiltImage; readonly plainLayers: readonly Buffer[]; readonly tags: readonly string[] }[],
): Buffer {
  const entries: TarEntry[] = []
  const seen = new Set<string>()
  const add = (name: string, body: Buffer): string => {
    if (!seen.has(name)) entries.push({ name, body })
    seen.add(name)
    return name
  }
  const manifest = images.map(({ image, plainLayers, tags }) => ({
    Layers: plainLayers.map((bytes, at) => add(`${image.layers[at]!.diffId.slice(7)}/layer.tar`, bytes)),
    Config: add(`${image.configDescriptor.digest.slice(7)}.json`, image.config),
    RepoTags: tags,
  }))
  return tar([...entries, { name: 'manifest.json', body: json(manifest) }])
}

/** An OCI layout. `names` go to the annotation that containerd reads. */
export function ociArchive(
  roots: readonly {
    readonly root: BuiltImage | BuiltIndex
    readonly name?: string
    readonly annotations?: Readonly<Record<string, string>>
  }[],
): Buffer {
  const blobs = new Map<string, Buffer>()
  const manifests = roots.map(({ root, name, annotations }) => {
    for (const [digest, bytes] of root.blobs) blobs.set(digest, bytes)
    const all = { ...annotations, ...(name === undefined ? {} : { 'io.containerd.image.name': name }) }
    return { ...root.target, ...(Object.keys(all).length === 0 ? {} : { annotations: all }) }
  })
  return tar([
    { name: 'blobs/' },
    { name: 'blobs/sha256/' },
    ...[...blobs].map(([digest, body]) => ({ name: `blobs/sha256/${digest.slice(7)}`, body })),
    { name: 'index.json', body: json({ schemaVersion: 2, manifests }) },
    { name: 'oci-layout', body: json({ imageLayoutVersion: '1.0.0' }) },
  ])
}

/** Pushes to a registry that asks for no password. `base` is e.g. `http://127.0.0.1:5000`. */
export async function putImage(base: string, repository: string, tag: string, root: BuiltImage | BuiltIndex): Promise<void> {
  const manifests: { digest: Digest; type: string; bytes: Buffer }[] = []
  for (const [digest, bytes] of root.blobs) {
    const type = manifestType(bytes)
    if (type !== undefined) {
      manifests.push({ digest, type, bytes })
      continue
    }
    const opened = await send(`${base}/v2/${repository}/blobs/uploads/`, { method: 'POST' })
    const location = new URL(opened.headers.get('location') ?? '', base)
    location.searchParams.set('digest', digest)
    await send(location.href, { method: 'PUT', body: new Uint8Array(bytes), headers: { 'content-type': 'application/octet-stream' } })
  }
  manifests.sort((a, b) => Number(a.digest === root.target.digest) - Number(b.digest === root.target.digest))
  for (const { digest, type, bytes } of manifests) {
    const reference = digest === root.target.digest ? tag : digest
    await send(`${base}/v2/${repository}/manifests/${reference}`, {
      method: 'PUT',
      body: new Uint8Array(bytes),
      headers: { 'content-type': type },
    })
  }
}

/** The bytes in pieces, as they come from a socket. */
export async function* chunks(bytes: Uint8Array, size: number = 64 << 10): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function manifestType(bytes: Buffer): string | undefined {
  if (bytes.length > 1 << 20 || bytes[0] !== 0x7b) return undefined
  const { mediaType } = JSON.parse(bytes.toString()) as { mediaType?: unknown }
  return typeof mediaType === 'string' ? mediaType : undefined
}
async function send(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init)
  if (!response.ok) throw new Error(`${init.method} ${url}: ${response.status} ${await response.text()}`)
  return response
}

/** As `dockerArchive` wants them. */
export function plainLayers({ layers }: BuiltImage): readonly Buffer[] {
  return layers.map(({ bytes, descriptor }) => (/gzip$/.test(descriptor.mediaType) ? gunzipSync(bytes) : bytes))
}
