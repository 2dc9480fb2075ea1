// A tar on its way, with other owners. Byte for byte as it came but for what is changed: attributes, sparse members and odd names stay whole.
import { EngineError } from '../errors.js'
import { ByteReader } from './byte-reader.js'
import { type Extension, extensionBody, type Header, parseExtension, parseHeader, paxRecords } from './tar-reader.js'

export interface TarOwner {
  readonly uid: number
  readonly gid: number
}
const blockBytes = 512
const ownerKeys: ReadonlySet<string> = new Set(['uid', 'gid', 'uname', 'gname'])

/** With `owner`, all belongs to it. A member that would lead out of where it is unpacked is `invalid_argument`, and so is what is no tar. */
export async function* rewriteTar(
  source: AsyncIterable<Uint8Array>,
  owner: TarOwner | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  await using reader = new ByteReader(source)
  let override: Extension = {}
  for (let isFirst = true; ; isFirst = false) {
    const block = await reader.exactly(blockBytes)
    if (block === undefined && isFirst) throw new EngineError('invalid_argument', 'archive is empty')
    if (block === undefined || block.every((byte) => byte === 0)) {
      yield Buffer.alloc(2 * blockBytes)
      return
    }
    const header = parseHeader(block, isFirst)
    if ('xgLK'.includes(header.flag)) {
      const body = await extensionBody(reader, header)
      override = { ...override, ...parseExtension(header, body) }
      yield* extension(block, header, owner === undefined || header.flag === 'L' || header.flag === 'K' ? body : withoutOwners(body))
      continue
    }
    const { path = header.name, linkPath = header.linkName, size = header.size } = override
    override = {}
    refuseWayOut(path, path)
    if (header.flag === '1') refuseWayOut(linkPath, path)
    yield owner === undefined ? block : withOwner(block, owner)
    if (header.flag === 'S') yield* sparseMaps(reader, block)
    // Links, devices, directories and pipes have none, whatever they say.
    if (!/[1-6]/.test(header.flag)) yield* body(reader, size, path)
  }
}

async function* body(reader: ByteReader, size: number, path: string): AsyncGenerator<Uint8Array> {
  for (let rest = Math.ceil(size / blockBytes) * blockBytes; rest > 0; ) {
    const chunk = await reader.some(rest)
    if (chunk === undefined) throw new EngineError('invalid_argument', `archive ends in the middle of "${path.slice(0, 200)}"`)
    rest -= chunk.byteLength
    yield chunk
  }
}
/** GNU's old format: more of the map follows in blocks of its own. */
async function* sparseMaps(reader: ByteReader, head: Buffer): AsyncGenerator<Uint8Array> {
  for (let more = head[482] === 1; more; ) {
    const block = await reader.exactly(blockBytes)
    if (block === undefined) throw new EngineError('invalid_argument', 'archive ends in the middle of a sparse member')
    more = block[504] === 1
    yield block
  }
}
function* extension(head: Buffer, { size }: Header, content: Buffer): Generator<Uint8Array> {
  if (content.length === 0) return
  if (content.length === size) yield head
  else {
    const block = Buffer.from(head)
    writeNumber(block, 124, 12, content.length)
    yield withSum(block)
  }
  yield content
  yield Buffer.alloc((blockBytes - (content.length % blockBytes)) % blockBytes)
}
function withoutOwners(content: Buffer): Buffer {
  return Buffer.concat([...paxRecords(content)].filter(({ key }) => !ownerKeys.has(key)).map(({ bytes }) => bytes))
}
function withOwner(head: Buffer, { uid, gid }: TarOwner): Buffer {
  const block = Buffer.from(head)
  writeNumber(block, 108, 8, uid)
  writeNumber(block, 116, 8, gid)
  // Names would win over the numbers.
  if (block.toString('latin1', 257, 262) === 'ustar') block.fill(0, 265, 329)
  return withSum(block)
}
/** Octal with a NUL, or base 256 where that is too small. */
function writeNumber(block: Buffer, at: number, length: number, value: number): void {
  const octal = value.toString(8)
  if (octal.length < length) {
    block.write(`${octal.padStart(length - 1, '0')}\0`, at, length, 'latin1')
    return
  }
  block.fill(0, at, at + length)
  block.writeUIntBE(value, at + length - 6, 6)
  block[at] = 0x80
}
function withSum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156)
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1')
  return block
}

function refuseWayOut(path: string, member: string): void {
  let depth = 0
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue
    depth += part === '..' ? -1 : 1
    if (depth < 0)
      throw new EngineError('invalid_argument', `archive has "${member.slice(0, 200)}", which leads out of where it is unpacked`)
  }
}
