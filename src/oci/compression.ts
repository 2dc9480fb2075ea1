// What a stream is packed with, told by its first bytes, and the stream without it.
import { pipeline, Readable, type Duplex } from 'node:stream'
import * as zlib from 'node:zlib'
import { EngineError } from '../errors.js'

export type Compression = 'none' | 'gzip' | 'zstd'

const unreadable: readonly (readonly [magic: readonly number[], name: string])[] = [
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], 'xz'],
  [[0x42, 0x5a, 0x68], 'bzip2'],
]

/** The same bytes from the beginning, and how they are packed. */
export async function detect(
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ readonly compression: Compression; readonly bytes: AsyncIterable<Uint8Array> }> {
  const source = bytes[Symbol.asyncIterator]()
  const head: Uint8Array[] = []
  let length = 0
  while (length < 6) {
    const next = await source.next()
    if (next.done === true) break
    head.push(next.value)
    length += next.value.byteLength
  }
  return { compression: compressionOf(Buffer.concat(head).subarray(0, 6)), bytes: rejoin(head, source) }
}
export function compressionOf(head: Uint8Array): Compression {
  const begins = (magic: readonly number[]): boolean => magic.every((byte, at) => head[at] === byte)
  const name = unreadable.find(([magic]) => begins(magic))?.[1]
  if (name !== undefined) throw new EngineError('unsupported', `archive is packed with ${name}: only gzip and zstd can be read`)
  if (begins([0x1f, 0x8b])) return 'gzip'
  return begins([0x28, 0xb5, 0x2f, 0xfd]) ? 'zstd' : 'none'
}

/** Damaged data is `invalid_argument`; zstd on a Node that cannot read it `unsupported`. */
export async function* decompress(bytes: AsyncIterable<Uint8Array>, compression: Compression): AsyncGenerator<Uint8Array> {
  if (compression === 'none') {
    yield* bytes
    return
  }
  const unpacked = decompressor(compression)
  const source = Readable.from(bytes, { objectMode: false })
  // Its errors come out of the iteration below.
  pipeline(source, unpacked, () => {})
  try {
    yield* unpacked as AsyncIterable<Uint8Array>
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const damaged = typeof code === 'string' && /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_STREAM_PREMATURE)/.test(code)
    throw damaged ? new EngineError('invalid_argument', `archive has damaged ${compression} data`, { cause: error }) : error
  } finally {
    source.destroy()
    unpacked.destroy()
  }
}

export function decompressor(compression: 'gzip' | 'zstd'): Duplex {
  if (compression === 'gzip') return zlib.createGunzip({ chunkSize: 128 << 10 })
  const create = (zlib as { readonly createZstdDecompress?: () => Duplex }).createZstdDecompress
  if (create === undefined)
    throw new EngineError('unsupported', 'archive is packed with zstd, which Node reads from 22.15 on: unpack it first, or use gzip')
  return create()
}

async function* rejoin(head: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* head
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}
