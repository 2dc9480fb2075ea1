// Headers as GNU tar reads them, whatever they came as. Pure.
import { blockBytes, type EntryType, paddingOf, type TarEntry } from './entry.js'

const flags: Readonly<Record<EntryType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}
const shortName = 100

/** With all that must stand before the entry's bytes. */
export function writeHeader(entry: TarEntry): Buffer {
  const { sparse } = entry
  const records = recordsOf(entry)
  const parts = records.length === 0 ? [mainHeader(entry)] : [...extension(paxRecords(records)), mainHeader(entry)]
  if (sparse?.kind === 'gnu') parts.push(...sparse.maps)
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
}

/** What has no room in the header itself, or no form there. */
function recordsOf({ name, linkName, sparse, time, xattrs, uid, gid, size }: TarEntry): readonly (readonly [string, string])[] {
  const records: (readonly [string, string])[] = []
  const isNamedBySparse = sparse?.kind === 'pax' && sparse.records.some(([key]) => key === 'GNU.sparse.name')
  if (!isShort(name) && !isNamedBySparse) records.push(['path', name])
  if (!isShort(linkName)) records.push(['linkpath', linkName])
  if (time.nanoseconds !== 0 || !fits(time.seconds, 12)) {
    const fraction = time.nanoseconds === 0 ? '' : `.${String(time.nanoseconds).padStart(9, '0')}`
    records.push(['mtime', `${time.seconds}${fraction}`])
  }
  for (const [key, value, room] of [
    ['uid', uid, 8],
    ['gid', gid, 8],
    ['size', size, 12],
  ] as const)
    if (!fits(value, room)) records.push([key, String(value)])
  // GNU tar writes attributes' names so, and reads them so.
  for (const [key, value] of xattrs) records.push([`SCHILY.xattr.${key.replaceAll('%', '%25').replaceAll('=', '%3D')}`, value])
  if (sparse?.kind === 'pax') for (const [key, value] of sparse.records) records.push([key, key === 'GNU.sparse.name' ? name : value])
  return records
}
// biome-ignore lint/suspicious/noControlCharactersInRegex: names are bytes
const isShort = (name: string): boolean => name.length <= shortName && !/[^\x01-\x7f]/.test(name)
const fits = (value: number, length: number): boolean => value < 8 ** (length - 1)

/** Two blocks of zeros end an archive. */
export const archiveEnd: Buffer = Buffer.alloc(2 * blockBytes)

function mainHeader(entry: TarEntry): Buffer {
  const { sparse } = entry
  const block = sparse?.kind === 'gnu' ? Buffer.from(sparse.header) : Buffer.alloc(blockBytes)
  if (sparse?.kind === 'gnu') block.fill(0, 0, 100)
  else {
    block.write(flags[entry.type], 156, 'latin1')
    block.write('ustar\0' + '00', 257, 'latin1')
    octal(block, entry.major, 329, 8)
    octal(block, entry.minor, 337, 8)
  }
  block.write(entry.name.slice(0, shortName), 0, 'latin1')
  octal(block, entry.mode, 100, 8)
  octal(block, entry.uid, 108, 8)
  octal(block, entry.gid, 116, 8)
  octal(block, entry.size, 124, 12)
  octal(block, entry.time.seconds, 136, 12)
  block.write(entry.linkName.slice(0, shortName), 157, 'latin1')
  seal(block)
  return block
}

function extension(bytes: Buffer): readonly Buffer[] {
  const block = Buffer.alloc(blockBytes)
  block.write('@PaxHeader', 0, 'latin1')
  for (const [value, from, length] of [
    [0o644, 100, 8],
    [0, 108, 8],
    [0, 116, 8],
    [bytes.length, 124, 12],
    [0, 136, 12],
  ] as const)
    octal(block, value, from, length)
  block.write('x', 156, 'latin1')
  block.write('ustar\0' + '00', 257, 'latin1')
  seal(block)
  return [block, bytes, Buffer.alloc(paddingOf(bytes.length))]
}

/** The length of a record counts its own digits. */
function paxRecords(records: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    records.map(([key, value]) => {
      const rest = key.length + value.length + 3
      let length = rest + String(rest).length
      if (String(length).length > String(rest).length) length = rest + String(length).length
      return Buffer.from(`${length} ${key}=${value}\n`, 'latin1')
    }),
  )
}

/** With a zero byte after it. What does not fit stands in a record. */
function octal(block: Buffer, value: number, from: number, length: number): void {
  block.write((fits(value, length) ? value : 0).toString(8).padStart(length - 1, '0'), from, 'latin1')
  block[from + length - 1] = 0
}
function seal(block: Buffer): void {
  block.fill(0x20, 148, 156)
  let sum = 0
  for (let at = 0; at < blockBytes; at++) sum += block[at] as number
  block.write(sum.toString(8).padStart(6, '0'), 148, 'latin1')
  block[154] = 0
}
