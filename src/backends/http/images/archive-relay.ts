// An image archive on its way to a daemon. What is in it is told on the way, and a daemon that knows no OCI layouts is given the list that it knows.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Headers, Pack } from 'tar-stream'
import * as z from 'zod/mini'
import { EngineError } from '../../../errors.js'
import type { Digest } from '../../../model/common.js'
import { decompress, detect } from '../../../oci/compression.js'
import { digestOf } from '../../../oci/digest.js'
import { checkDocument, type Manifest, MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES, readJson, readManifest } from '../../../oci/manifest.js'
import { mediaTypes } from '../../../oci/media-types.js'
import { choosePlatform, type Platform } from '../../../oci/platform.js'
import { canonicalName, parseReference } from '../../../oci/reference.js'
import { readTar, type TarMember } from '../../../oci/tar-reader.js'
import { once } from '../../../util/once.js'
import { nullish } from '../wire/values.js'
import { packedBy } from './packing.js'

export interface RelayOptions {
  /** Of the daemon: which image of several is meant. */
  readonly platform: Platform
  /** The daemon takes layouts as they are. */
  readonly layouts: boolean
  onMember?(name: string, doneBytes: number, totalBytes: number): void
}
export interface RelayedImage {
  readonly id: Digest | undefined
  readonly names: readonly string[]
}

const code = 'invalid_argument'
const documentNames: ReadonlySet<string> = new Set(['manifest.json', 'index.json', 'oci-layout'])
/** Manifests, configs and lists; what is larger is a layer. */
const keptTotalBytes = 64 << 20
const path = z.string().check(z.maxLength(4096))
const listSchema = once(() =>
  z
    .array(z.object({ Config: path, RepoTags: nullish(z.array(path)), Layers: nullish(z.array(path).check(z.maxLength(512))) }))
    .check(z.maxLength(1024)),
)
interface ListEntry {
  readonly Config: string
  readonly RepoTags?: readonly string[] | null | undefined
  readonly Layers?: readonly string[] | null | undefined
}

export class ArchiveRelay {
  readonly #source: AsyncIterable<Uint8Array>
  readonly #options: RelayOptions
  readonly #kept = new Map<string, Buffer>()
  readonly #names = new Set<string>()
  #keptBytes = 0
  #images: readonly RelayedImage[] = []

  constructor(source: AsyncIterable<Uint8Array>, options: RelayOptions) {
    this.#source = source
    this.#options = options
  }
  /** Known when `bytes` has been read to its end. */
  get images(): readonly RelayedImage[] {
    return this.#images
  }
  /** The archive, unpacked. What is no archive of images is `invalid_argument`, and then the bytes do not end. */
  bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    return packedBy((tar) => this.#pack(tar))
  }

  async #pack(tar: Pack): Promise<void> {
    const packed = await detect(this.#source)
    for await (const member of readTar(decompress(packed.bytes, packed.compression))) await this.#relay(tar, member)
    const list = this.#list()
    if (list.added) for (const [name, text] of list.documents) await add(tar, { name, size: text.length }, oneChunk(text))
    this.#images = list.images
  }
  async #relay(tar: Pack, { name, type, size, linkName, bytes }: TarMember): Promise<void> {
    if (type === 'other') throw new EngineError(code, `archive has "${name}", which is neither file, directory nor link`)
    const plain = name.replace(/^(?:\.\/)+/, '')
    if (type !== 'file') return addEmpty(tar, { name, type, linkname: linkName, mode: type === 'directory' ? 0o755 : 0o644 })
    this.#names.add(plain)
    const counted = this.#counted(plain, size, bytes)
    if (!documentNames.has(plain) && size > MAX_CONFIG_BYTES) return add(tar, { name, size }, counted)
    const body = await collect(counted, size)
    if (documentNames.has(plain) || body[0] === 0x7b) this.#keep(plain, body)
    // An OCI layout is told by these two; without them it is what the list says that is added.
    if (this.#options.layouts || (plain !== 'index.json' && plain !== 'oci-layout')) await add(tar, { name, size }, oneChunk(body))
  }
  async *#counted(name: string, size: number, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let done = 0
    for await (const chunk of bytes) {
      yield chunk
      done += chunk.byteLength
      this.#options.onMember?.(name, done, size)
    }
  }
  #keep(name: string, body: Buffer): void {
    this.#keptBytes += body.length
    if (this.#keptBytes > keptTotalBytes) throw new EngineError('resource_exhausted', 'archive has too many documents')
    this.#kept.set(name, body)
  }

  #list(): {
    readonly images: readonly RelayedImage[]
    readonly added: boolean
    readonly documents: readonly (readonly [name: string, text: Buffer])[]
  } {
    const listed = this.#kept.get('manifest.json')
    const index = this.#kept.get('index.json')
    if (listed === undefined && index === undefined)
      throw new EngineError(code, 'archive has neither a "manifest.json" nor an "index.json"')
    const entries = listed === undefined ? this.#fromIndex(index as Buffer) : readList(listed)
    for (const { Config, Layers } of entries) for (const file of [Config, ...(Layers ?? [])]) this.#mustHave(file)
    const images = entries.map(({ Config, RepoTags }) => {
      const config = this.#kept.get(Config)
      return { id: config && digestOf(config), names: (RepoTags ?? []).map((name) => canonicalName(parseReference(name))) }
    })
    const added = listed === undefined && !this.#options.layouts
    return { images, added, documents: [['manifest.json', Buffer.from(JSON.stringify(entries))]] }
  }
  /** A file, or something below a link of an old archive. */
  #mustHave(file: string): void {
    if (this.#kept.has('manifest.json') || this.#names.has(file)) return
    throw new EngineError(code, `archive lacks "${file}", which its index names`)
  }
  #fromIndex(index: Buffer): readonly ListEntry[] {
    const document = readManifest(index, mediaTypes.ociIndex, { what: 'archive\'s "index.json"', code })
    if (document.kind !== 'index') throw new EngineError(code, 'archive\'s "index.json" is no index')
    const entries = new Map<string, { readonly Config: string; readonly RepoTags: string[]; readonly Layers: readonly string[] }>()
    for (const root of document.manifests) {
      if (root.annotations?.['vnd.docker.reference.type'] !== undefined) continue
      const manifest = this.#manifest(root.digest, root.mediaType, 0)
      const Config = blobPath(manifest.config.digest)
      const entry = entries.get(Config) ?? { Config, RepoTags: [], Layers: manifest.layers.map(({ digest }) => blobPath(digest)) }
      entries.set(Config, entry)
      const { 'io.containerd.image.name': whole, 'org.opencontainers.image.ref.name': reference } = root.annotations ?? {}
      const name = whole ?? (reference !== undefined && /[/:]/.test(reference) ? reference : undefined)
      if (name !== undefined) entry.RepoTags.push(canonicalName(parseReference(name)))
    }
    return [...entries.values()]
  }
  /** Of the daemon's platform, else the first that is whole. */
  #manifest(digest: Digest, mediaType: string, depth: number): Manifest {
    const bytes = this.#kept.get(blobPath(digest))
    if (bytes === undefined || bytes.length > MAX_MANIFEST_BYTES || digestOf(bytes) !== digest)
      throw new EngineError(code, `archive lacks image "${digest}" that its index names, or has another`)
    const document = readManifest(bytes, mediaType, { what: `archive's manifest "${digest}"`, code })
    if (document.kind === 'manifest') return document
    const here = document.manifests.filter((one) => this.#kept.has(blobPath(one.digest)))
    const [best] = [...choosePlatform(here, this.#options.platform), ...here]
    if (best === undefined || depth >= 4) throw new EngineError(code, `archive has no image of index "${digest}"`)
    return this.#manifest(best.digest, best.mediaType, depth + 1)
  }
}

function readList(bytes: Buffer): readonly ListEntry[] {
  const what = { what: 'archive\'s "manifest.json"', code } as const
  return checkDocument(listSchema(), readJson(bytes, MAX_CONFIG_BYTES, what), what)
}
function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`
}
async function collect(bytes: AsyncIterable<Uint8Array>, size: number): Promise<Buffer> {
  const whole = Buffer.allocUnsafe(size)
  let length = 0
  for await (const chunk of bytes) {
    whole.set(chunk, length)
    length += chunk.byteLength
  }
  return whole
}
async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}
/** The same archive gives the same bytes. */
const epoch = new Date(0)
async function add(tar: Pack, headers: Headers & { readonly size: number }, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const entry = tar.entry({ mode: 0o644, mtime: epoch, ...headers })
  if (headers.size === 0) return void entry.end()
  await pipeline(Readable.from(bytes, { objectMode: false }), entry)
}
function addEmpty(tar: Pack, headers: Headers): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry({ mtime: epoch, ...headers }, '', (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}
