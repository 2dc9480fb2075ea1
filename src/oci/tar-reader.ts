// Reads the members of a stranger's tar as they come. tar-stream keeps a PAX or long-name member of any size in memory.
import { setImmediate as turn } from 'node:timers/promises'
import { EngineError } from '../errors.js'
import { ByteReader } from './byte-reader.js'

export interface TarMember {
  readonly name: string
  readonly type: 'file' | 'directory' | 'symlink' | 'link' | 'other'
  /** Bytes; 0 for what has none. */
  readonly size: number
  readonly linkName: string
  /** Can be read once, before the next member is asked for; what is left is skipped. */
  readonly bytes: AsyncIterable<Uint8Array>
}

const blockBytes = 512
/** Of a PAX header or a long name. */
const extensionBytes = 1 << 20
const nameBytes = 4096
const types: Readonly<Record<string, TarMember['type']>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '5': 'directory',
  '2': 'symlink',
  '1': 'link',
}

/** Anything that is no tar is `invalid_argument`, and so is one that ends early. What follows its end is not read. */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  await using reader = new ByteReader(source)
  let override: Extension = {}
  let turned = performance.now()
  for (let members = 0; ; members++) {
    // Many small members in one chunk would hold up all else.
    if (members % 64 === 63 && performance.now() - turned > 2) {
      await turn()
      turned = performance.now()
    }
    const block = await reader.exactly(blockBytes)
    if (block === undefined) {
      if (members === 0) throw new EngineError('invalid_argument', 'archive is empty')
      return
    }
    if (block.every((byte) => byte === 0)) return
    const header = parseHeader(block, members === 0)
    if ('xgLK'.includes(header.flag)) {
      override = { ...override, ...(await readExtension(reader, header)) }
      continue
    }
    const { path = header.name, linkPath = header.linkName, size: given = header.size } = override
    override = {}
    const type = types[header.flag] ?? 'other'
    const size = type === 'file' || type === 'other' ? given : 0
    if (path.length > nameBytes || linkPath.length > nameBytes)
      throw new EngineError('invalid_argument', 'archive has a name that is too long')
    const body = new Body(reader, size, path)
    // A directory ends in a slash in the oldest format, which has no type for it.
    yield { name: path, type: type === 'file' && path.endsWith('/') ? 'directory' : type, size, linkName: linkPath, bytes: body.read() }
    await body.skip()
    await reader.skip((blockBytes - (size % blockBytes)) % blockBytes, path)
  }
}

export interface Header {
  readonly flag: string
  readonly name: string
  readonly linkName: string
  readonly size: number
}
export interface Extension {
  readonly path?: string
  readonly linkPath?: string
  readonly size?: number
}

class Body {
  readonly #reader: ByteReader
  readonly #name: string
  #rest: number

  constructor(reader: ByteReader, size: number, name: string) {
    this.#reader = reader
    this.#rest = size
    this.#name = name
  }
  async *read(): AsyncGenerator<Uint8Array> {
    while (this.#rest > 0) {
      const chunk = await this.#reader.some(this.#rest)
      if (chunk === undefined) throw endsIn(this.#name)
      this.#rest -= chunk.byteLength
      yield chunk
    }
  }
  async skip(): Promise<void> {
    const rest = this.#rest
    this.#rest = 0
    await this.#reader.skip(rest, this.#name)
  }
}

export function parseHeader(block: Buffer, isFirst: boolean): Header {
  if (!sumIsRight(block)) throw new EngineError('invalid_argument', isFirst ? 'archive is no tar' : 'archive has a damaged header')
  const text = (from: number, length: number): string => {
    const field = block.subarray(from, from + length)
    const end = field.indexOf(0)
    return field.toString('utf8', 0, end < 0 ? length : end)
  }
  const prefix = text(257, 6) === 'ustar' && block[263] === 0x30 ? text(345, 155) : ''
  const name = text(0, 100)
  return {
    flag: String.fromCharCode(block[156] ?? 0),
    name: prefix === '' ? name : `${prefix}/${name}`,
    linkName: text(157, 100),
    size: parseNumber(block.subarray(124, 136)),
  }
}

/** Whether a first block can be a header: its sum is right. */
export function sumIsRight(block: Buffer): boolean {
  let sum = 8 * 0x20
  for (let at = 0; at < blockBytes; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0
  return /^[0-7]+$/.test(fieldText(block.subarray(148, 156))) && Number.parseInt(fieldText(block.subarray(148, 156)), 8) === sum
}
/** Octal, or base 256 where the first bit is set. */
function parseNumber(field: Buffer): number {
  const refuse = (): never => {
    throw new EngineError('invalid_argument', 'archive has a member of an absurd size')
  }
  if (((field[0] ?? 0) & 0x80) === 0) {
    const text = fieldText(field)
    return text === '' ? 0 : /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : refuse()
  }
  let value = (field[0] ?? 0) & 0x7f
  for (const byte of field.subarray(1)) {
    value = value * 256 + byte
    if (value > Number.MAX_SAFE_INTEGER) refuse()
  }
  return value
}
function fieldText(field: Buffer): string {
  return field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .replace(/^[ \0]+/, '')
}

async function readExtension(reader: ByteReader, header: Header): Promise<Extension> {
  return parseExtension(header, await extensionBody(reader, header))
}
/** Its padding is skipped. */
export async function extensionBody(reader: ByteReader, { size }: Pick<Header, 'size'>): Promise<Buffer> {
  if (size > extensionBytes)
    throw new EngineError('invalid_argument', `archive has an extended header of more than ${extensionBytes} bytes`)
  const bytes = await reader.exactly(size)
  if (bytes === undefined) throw endsIn('extended header')
  await reader.skip((blockBytes - (size % blockBytes)) % blockBytes, 'extended header')
  return bytes
}
/** Of a member with one of the flags `xgLK`. */
export function parseExtension({ flag, size }: Header, bytes: Buffer): Extension {
  if (flag === 'g') return {}
  if (flag === 'x') return parsePax(bytes)
  const end = bytes.indexOf(0)
  const text = bytes.toString('utf8', 0, end < 0 ? size : end)
  return flag === 'L' ? { path: text } : { linkPath: text }
}

function parsePax(bytes: Buffer): Extension {
  const found: { path?: string; linkPath?: string; size?: number } = {}
  for (const { key, value } of paxRecords(bytes)) {
    if (key === 'path') found.path = value
    if (key === 'linkpath') found.linkPath = value
    if (key === 'size') {
      found.size = Number(value)
      if (!/^\d+$/.test(value) || !Number.isSafeInteger(found.size))
        throw new EngineError('invalid_argument', 'archive has a member of an absurd size')
    }
  }
  return found
}
export interface PaxRecord {
  readonly key: string
  readonly value: string
  /** As it stands there, its length included. */
  readonly bytes: Buffer
}
/** POSIX.1-2008, pax Extended Header: `LENGTH KEY=VALUE\n` each. */
export function* paxRecords(bytes: Buffer): Generator<PaxRecord> {
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const length = space < 0 || space - at > 9 ? Number.NaN : Number(bytes.toString('latin1', at, space))
    if (!Number.isSafeInteger(length) || length <= space - at || at + length > bytes.length)
      throw new EngineError('invalid_argument', 'archive has a damaged extended header')
    const record = bytes.toString('utf8', space + 1, at + length - 1)
    const equals = record.indexOf('=')
    yield { key: record.slice(0, equals), value: record.slice(equals + 1), bytes: bytes.subarray(at, at + length) }
    at += length
  }
}

function endsIn(name: string): EngineError {
  return new EngineError('invalid_argument', `archive ends in the middle of "${name.slice(0, 200)}"`)
}
