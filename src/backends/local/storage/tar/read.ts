// Entries of a stranger's archive: ustar, PAX, GNU and the oldest. Each is read once, as we understand it, and written anew.
import { EngineError } from '../../../../errors.js'
import { blockBytes, type EntryType, paddingOf, type Sparse, type TarEntry } from './entry.js'
import { boundTime, damaged, numberField, parsePax, parseTime, paxNumber, sizeField, sumIsRight, textField } from './fields.js'
import { endsEarly, type TarInput } from './input.js'

/** Of one extended header; attributes of up to 64 KiB each are in it. */
const mostExtension = 1 << 20
const mostName = 4_095
const mostMaps = 1 << 16
const xattrPrefix = 'SCHILY.xattr.'
const types: Readonly<Record<string, EntryType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
}

interface Extension {
  name?: string
  linkName?: string
  records: readonly (readonly [string, string])[]
}

/** The next one, whose bytes come next in `input`; `undefined` after the last. */
export async function readEntry(input: TarInput): Promise<TarEntry | undefined> {
  const extension: Extension = { records: [] }
  for (;;) {
    const block = input.tryExactly(blockBytes) ?? (await input.exactly(blockBytes))
    if (block === undefined || isZero(block)) return undefined
    if (!sumIsRight(block)) throw damaged('the sum of a header is wrong')
    const flag = block.toString('latin1', 156, 157)
    if (flag === 'g')
      await readExtension(input, block) // of the whole archive: containerd passes it over, too
    else if (flag === 'x') extension.records = parsePax(await readExtension(input, block))
    else if (flag === 'L') extension.name = untilZero(await readExtension(input, block))
    else if (flag === 'K') extension.linkName = untilZero(await readExtension(input, block))
    else return toEntry(block, flag, extension, flag === 'S' ? await readMaps(input, block) : undefined)
  }
}

function toEntry(block: Buffer, flag: string, extension: Extension, sparse: Sparse | undefined): TarEntry {
  const known = types[flag]
  if (known === undefined) throw new EngineError('data_loss', `layer has an entry of the unknown type ${JSON.stringify(flag)}`)
  const pax = new Map(extension.records)
  const sparseRecords = extension.records.filter(([key]) => key.startsWith('GNU.sparse.'))
  const name = pax.get('GNU.sparse.name') ?? pax.get('path') ?? extension.name ?? headerName(block)
  const linkName = pax.get('linkpath') ?? extension.linkName ?? textField(block, 157, 100)
  for (const text of [name, linkName]) {
    if (text.length > mostName || text.includes('\0')) throw damaged('a name is too long or has a zero byte')
  }
  // The oldest format has no type for directories.
  const type = known === 'file' && flag === '\0' && name.endsWith('/') ? 'directory' : known
  const size = pax.has('size') ? paxNumber(pax.get('size') as string) : sizeField(block, 124, 12)
  const number = (key: string, from: number): number => {
    const given = pax.get(key)
    const value = given === undefined ? numberField(block, from, 8) : paxNumber(given)
    if (value < 0 || value > 0xff_ff_ff_fe) throw damaged('an owner is out of range')
    return value
  }
  const mtime = pax.get('mtime')
  const isDevice = type === 'character' || type === 'block'
  return {
    type,
    name,
    linkName: type === 'link' || type === 'symlink' ? linkName : '',
    mode: numberField(block, 100, 8) & 0o7777,
    uid: number('uid', 108),
    gid: number('gid', 116),
    time: mtime === undefined ? boundTime({ seconds: numberField(block, 136, 12), nanoseconds: 0 }) : parseTime(mtime),
    size: type === 'file' ? size : 0,
    major: isDevice ? sizeField(block, 329, 8) : 0,
    minor: isDevice ? sizeField(block, 337, 8) : 0,
    xattrs: extension.records.flatMap(([key, value]) =>
      key.startsWith(xattrPrefix) ? [[key.slice(xattrPrefix.length), value] as const] : [],
    ),
    sparse: sparse ?? (type === 'file' && sparseRecords.length > 0 ? { kind: 'pax', records: sparseRecords } : undefined),
  }
}

function headerName(block: Buffer): string {
  const name = textField(block, 0, 100)
  const isUstar = block.toString('latin1', 257, 265) === 'ustar\0' + '00'
  const prefix = isUstar ? textField(block, 345, 155) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

async function readExtension(input: TarInput, block: Buffer): Promise<Buffer> {
  const size = sizeField(block, 124, 12)
  if (size > mostExtension) throw damaged(`an extended header has more than ${mostExtension} bytes`)
  const whole = size + paddingOf(size)
  if (whole === 0) return Buffer.alloc(0)
  const bytes = input.tryExactly(whole) ?? (await input.exactly(whole))
  if (bytes === undefined) throw endsEarly()
  return bytes.subarray(0, size)
}
function untilZero(bytes: Buffer): string {
  const end = bytes.indexOf(0)
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end)
}

/** Old GNU sparse files: the header tells whether more of the map follows, and so does each block of it. */
async function readMaps(input: TarInput, header: Buffer): Promise<Sparse> {
  const maps: Buffer[] = []
  for (let more = header[482] === 1; more; ) {
    const map = await input.exactly(blockBytes)
    if (map === undefined) throw endsEarly()
    if (maps.length === mostMaps) throw damaged('the map of a sparse file is too long')
    maps.push(Buffer.from(map))
    more = map[504] === 1
  }
  return { kind: 'gnu', header: Buffer.from(header), maps }
}

function isZero(block: Buffer): boolean {
  // The first byte of a name: an empty one is looked at closely.
  return block[0] === 0 && block.every((byte) => byte === 0)
}
