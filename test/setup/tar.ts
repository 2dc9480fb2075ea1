// A tar writer for tests that also writes what no honest tool would: wrong sizes, names that lead out, devices.

export interface TarEntry {
  readonly name: string
  /** Default `file`, or `directory` for a name that ends in `/`. */
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'character' | 'block' | 'fifo' | 'pax' | 'pax-global' | 'gnu-name'
  readonly body?: string | Uint8Array
  readonly linkName?: string
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  /** Seconds. Default 0. */
  readonly mtime?: number
  /** What the header claims. Default: the truth. */
  readonly size?: number
}

const flags = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
  pax: 'x',
  'pax-global': 'g',
  'gnu-name': 'L',
} as const

/** The same entries give the same bytes. `end: false` leaves out the two zero blocks. */
export function tar(entries: readonly TarEntry[], { end = true }: { readonly end?: boolean } = {}): Buffer {
  const parts: Buffer[] = []
  for (const entry of entries) {
    const records = [
      ...(Buffer.byteLength(entry.name) > 100 ? [paxRecord('path', entry.name)] : []),
      ...(Buffer.byteLength(entry.linkName ?? '') > 100 ? [paxRecord('linkpath', entry.linkName ?? '')] : []),
    ]
    if (records.length > 0) parts.push(...member({ name: 'PaxHeader', type: 'pax', body: records.join('') }))
    parts.push(...member(entry))
  }
  if (end) parts.push(Buffer.alloc(1024))
  return Buffer.concat(parts)
}

export function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  if (rest + String(length).length !== length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

function member(entry: TarEntry): Buffer[] {
  const body = typeof entry.body === 'string' ? Buffer.from(entry.body) : Buffer.from(entry.body ?? '')
  const type = entry.type ?? (entry.name.endsWith('/') ? 'directory' : 'file')
  const header = Buffer.alloc(512)
  const octal = (value: number, offset: number, length: number): void => {
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, 'latin1')
  }
  header.write(entry.name, 0, 100)
  octal(entry.mode ?? (type === 'directory' ? 0o755 : 0o644), 100, 8)
  octal(entry.uid ?? 0, 108, 8)
  octal(entry.gid ?? 0, 116, 8)
  writeSize(header, entry.size ?? body.length)
  octal(entry.mtime ?? 0, 136, 12)
  header.write('        ', 148, 'latin1')
  header.write(flags[type], 156, 'latin1')
  header.write(entry.linkName ?? '', 157, 100)
  header.write('ustar\0' + '00', 257, 'latin1')
  octal(0, 329, 8)
  octal(0, 337, 8)
  let sum = 0
  for (const byte of header) sum += byte
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]
}

function writeSize(header: Buffer, size: number): void {
  if (size < 8 ** 11) {
    header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'latin1')
    return
  }
  header.writeBigUInt64BE(BigInt(size), 128)
  header[124] = 0x80
}
