// An image archive as it streams in: what is small is kept at hand, what is large goes into the store at once.
import { EngineError } from '../../errors.js'
import type { CallOptions, Descriptor, Digest } from '../../model/common.js'
import { digestAlgorithm, digestOf, isDigest } from '../../oci/digest.js'
import type { ContentStore } from '../../ports/engine/content.js'
import { compressionOf, type Compression, decompress, detect } from '../../oci/compression.js'
import { readBlob } from './documents.js'
import { counted, type Report } from './progress.js'
import { readTar, type TarMember } from '../../oci/tar-reader.js'

/** One file of an archive. */
export interface ArchiveFile {
  readonly digest: Digest
  readonly size: number
  readonly compression: Compression
  /** Absent: it is in the store. */
  readonly bytes?: Buffer | undefined
}

/** In the store, with all that it refers to; not unpacked. */
export interface ArchivedImage {
  readonly target: Descriptor
  /** As they are stored. None: it stays without. */
  readonly names: readonly string[]
}

const documentNames: ReadonlySet<string> = new Set(['manifest.json', 'index.json', 'oci-layout', 'repositories'])
const documentBytes = 8 << 20
/** Smaller files wait here for somebody who wants them; an archive may hold any number of others. */
const smallBytes = 64 << 10
const smallTotalBytes = 32 << 20
const nameTotalBytes = 64 << 20
const maxLinks = 10
/** The name says what the store must check anyway. */
const unknownType = 'application/octet-stream'

export class Archive {
  readonly #content: ContentStore
  readonly #files = new Map<string, ArchiveFile>()
  readonly #links = new Map<string, string>()
  #smallBytes = 0
  #nameBytes = 0

  private constructor(content: ContentStore) {
    this.#content = content
  }
  /**
   * Reads it to its end. `content` must be held. What leads out of the archive, comes twice, or is neither file, directory
   * nor link is `invalid_argument`; a blob with another digest than its name says `data_loss`.
   */
  static async read(content: ContentStore, bytes: AsyncIterable<Uint8Array>, report: Report, options: CallOptions = {}): Promise<Archive> {
    const archive = new Archive(content)
    const packed = await detect(bytes)
    for await (const member of readTar(decompress(packed.bytes, packed.compression))) {
      options.signal?.throwIfAborted()
      await archive.#add(member, report, options)
    }
    return archive
  }
  /** Follows links, which stay inside. */
  find(path: string): ArchiveFile | undefined {
    let at: string | undefined = inside(path)
    for (let links = 0; at !== undefined && links <= maxLinks; links++) {
      const file = this.#files.get(at)
      if (file !== undefined) return file
      at = this.#links.get(at)
    }
    return undefined
  }
  blob(digest: Digest): ArchiveFile | undefined {
    return this.find(`blobs/${digest.replace(':', '/')}`)
  }
  /** The whole of a document; `undefined` when it is not in here. */
  async text(file: ArchiveFile | undefined, what: string, options: CallOptions = {}): Promise<Buffer | undefined> {
    if (file === undefined) return undefined
    if (file.size > documentBytes) throw new EngineError('invalid_argument', `${what} is larger than ${documentBytes} bytes`)
    return file.bytes ?? readBlob(this.#content, file.digest, documentBytes, options)
  }
  /** Into the store, if it is not there yet. */
  async store({ digest, size, bytes }: ArchiveFile, mediaType: string, options: CallOptions = {}): Promise<Descriptor> {
    const descriptor = { mediaType, digest, size }
    if (bytes !== undefined) await this.#content.write(descriptor, oneChunk(bytes), options)
    return descriptor
  }

  async #add(member: TarMember, report: Report, options: CallOptions): Promise<void> {
    const { type, linkName } = member
    const name = inside(member.name)
    if (type === 'directory') return
    if (type === 'other') throw new EngineError('invalid_argument', `archive has "${name}", which is neither file, directory nor link`)
    if (this.#files.has(name) || this.#links.has(name)) throw new EngineError('invalid_argument', `archive has "${name}" twice`)
    this.#nameBytes += name.length + linkName.length + 64
    if (this.#nameBytes > nameTotalBytes) throw new EngineError('resource_exhausted', 'archive has too many files')
    if (type === 'link') this.#links.set(name, inside(linkName))
    else if (type === 'symlink') this.#links.set(name, inside(linkName, name))
    else this.#files.set(name, await this.#keep(name, member, report, options))
  }
  async #keep(name: string, { size, bytes }: TarMember, report: Report, { signal }: CallOptions): Promise<ArchiveFile> {
    const named = digestInName(name)
    if (documentNames.has(name) || (size <= smallBytes && this.#smallBytes + size <= smallTotalBytes)) {
      if (size > documentBytes) throw new EngineError('invalid_argument', `archive has a "${name}" of more than ${documentBytes} bytes`)
      this.#smallBytes += size
      return small(name, await collect(bytes, size), named)
    }
    const { compression, bytes: whole } = await detect(bytes)
    const passing = counted(whole, 0, (doneBytes) => {
      report({ phase: 'download', layer: name, doneBytes, totalBytes: size })
    })
    if (named === undefined) return { ...(await this.#content.ingest(unknownType, passing, { signal })), compression }
    await this.#content.write({ mediaType: unknownType, digest: named, size }, passing, { signal })
    return { digest: named, size, compression }
  }
}

/** A path within the archive, without dots. `from` is the link that says it. What leads out is `invalid_argument`. */
function inside(path: string, from?: string): string {
  const refuse = (): never => {
    throw new EngineError('invalid_argument', `archive has the path "${path.slice(0, 200)}", which leads out of it`)
  }
  if (path.startsWith('/') || path.includes('\0')) refuse()
  const parts = from === undefined ? [] : from.split('/').slice(0, -1)
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    // Only links of old Docker archives go up, to another layer's directory.
    else if (from === undefined || parts.pop() === undefined) refuse()
  }
  return parts.join('/')
}

function digestInName(name: string): Digest | undefined {
  const [blobs, algorithm, hex, further] = name.split('/')
  const digest = `${algorithm}:${hex}`
  return blobs === 'blobs' && further === undefined && isDigest(digest) ? digest : undefined
}

function small(name: string, bytes: Buffer, named: Digest | undefined): ArchiveFile {
  const digest = digestOf(bytes, named === undefined ? 'sha256' : digestAlgorithm(named))
  if (named !== undefined && named !== digest) throw new EngineError('data_loss', `archive's "${name}" has the digest "${digest}"`)
  return { digest, size: bytes.length, compression: lenient(bytes), bytes }
}
function lenient(bytes: Buffer): Compression {
  try {
    return compressionOf(bytes)
  } catch {
    return 'none'
  }
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
export async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}
