// Gives a saved OCI layout the whole name of its image, where a daemon writes the tag only: by that nobody finds the name again.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { EngineError } from '../../../errors.js'
import { MAX_MANIFEST_BYTES } from '../../../oci/manifest.js'
import { readTar, type TarMember } from '../../../oci/tar-reader.js'
import { packedBy } from './packing.js'

const reference = 'org.opencontainers.image.ref.name'
/** The same image gives the same bytes. */
const epoch = new Date(0)

export async function* namedLayout(bytes: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array, void, undefined> {
  const source = bytes[Symbol.asyncIterator]()
  try {
    yield* packedBy((tar) => relay(tar, source, name))
  } finally {
    await source.return?.()
  }
}

async function relay(tar: Pack, source: AsyncIterator<Uint8Array>, name: string): Promise<void> {
  const kept = { [Symbol.asyncIterator]: () => ({ next: () => source.next() }) }
  for await (const member of readTar(kept)) await add(tar, member, name)
  // What comes behind its end tells whether the daemon failed.
  while ((await source.next()).done !== true);
}

async function add(tar: Pack, { name: file, type, size, bytes }: TarMember, name: string): Promise<void> {
  const header = { name: file, mtime: epoch }
  if (type === 'directory') return void tar.entry({ ...header, type, mode: 0o755 })
  if (file.replace(/^\.\//, '') !== 'index.json') {
    await pipeline(Readable.from(bytes, { objectMode: false }), tar.entry({ ...header, size, mode: 0o644 }))
    return
  }
  if (size > MAX_MANIFEST_BYTES) throw new EngineError('data_loss', 'the "index.json" of the daemon is too large')
  const parts: Uint8Array[] = []
  for await (const part of bytes) parts.push(part)
  tar.entry({ ...header, mode: 0o644 }, withName(Buffer.concat(parts), name))
}

interface Index {
  readonly manifests?: readonly { readonly annotations?: Readonly<Record<string, string>> }[]
}
function withName(index: Buffer, name: string): Buffer {
  let document: Index
  try {
    document = JSON.parse(index.toString('utf8')) as Index
  } catch (error) {
    throw new EngineError('data_loss', 'the "index.json" of the daemon is no JSON', { cause: error })
  }
  const manifests = (document.manifests ?? []).map((one) => ({ ...one, annotations: { ...one.annotations, [reference]: name } }))
  return Buffer.from(JSON.stringify({ ...document, manifests }))
}
