// Fields of tar headers: numbers, texts, times, PAX records. Whatever is not as it should be is `data_loss`.
import { EngineError } from '../../../../errors.js'
import type { EntryTime } from './entry.js'

/** containerd takes what is beyond for the epoch: the last moment that 64 bits of nanoseconds tell. */
const latestSeconds = 9_223_372_036

export function damaged(what: string): EngineError {
  return new EngineError('data_loss', `layer is no tar archive as it should be: ${what}`)
}

/** Up to the first zero byte. */
export function textField(block: Buffer, from: number, length: number): string {
  const end = block.indexOf(0, from)
  return block.toString('latin1', from, end < 0 || end > from + length ? from + length : end)
}

/** Octal, or base 256 in two's complement where the first bit is set. */
export function numberField(block: Buffer, from: number, length: number): number {
  const first = block[from] as number
  if ((first & 0x80) !== 0) {
    const negative = (first & 0x40) !== 0
    let value = negative ? first | 0xff_ff_ff_80 : first & 0x7f
    for (let at = from + 1; at < from + length; at++) {
      value = value * 256 + (block[at] as number)
      if (!Number.isSafeInteger(value)) throw damaged('a number is out of range')
    }
    return value
  }
  let value = 0
  let begun = false
  for (let at = from; at < from + length; at++) {
    const byte = block[at] as number
    if (byte === 0 || byte === 0x20) {
      if (begun) break
      continue
    }
    if (byte < 0x30 || byte > 0x37) throw damaged('a number has other characters than digits')
    begun = true
    value = value * 8 + byte - 0x30
  }
  if (!Number.isSafeInteger(value)) throw damaged('a number is out of range')
  return value
}
export function sizeField(block: Buffer, from: number, length: number): number {
  const size = numberField(block, from, length)
  if (size < 0) throw damaged('a size is negative')
  return size
}

/** The sum of a header, unsigned or, as some wrote it, signed. */
export function sumIsRight(block: Buffer): boolean {
  let sum = 8 * 0x20
  let signed = sum
  for (let at = 0; at < 512; at++) {
    if (at === 148) at = 156
    const byte = block[at] as number
    sum += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  const told = numberField(block, 148, 8)
  return told === sum || told === signed
}

export function parseTime(text: string): EntryTime {
  const match = /^(-?\d{1,18})(?:\.(\d*))?$/.exec(text)
  if (match === null) throw damaged('a time is not a number')
  const [, seconds = '0', fraction = ''] = match
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, '0'))
  return boundTime({ seconds: Number(seconds), nanoseconds: seconds.startsWith('-') ? 0 : nanoseconds })
}
export function boundTime(time: EntryTime): EntryTime {
  return time.seconds < 0 || time.seconds > latestSeconds ? { seconds: 0, nanoseconds: 0 } : time
}

/** POSIX.1-2017, pax, "pax Extended Header": `length key=value\n`. */
export function parsePax(bytes: Buffer): (readonly [key: string, value: string])[] {
  const records: (readonly [string, string])[] = []
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const length = space < 0 || space - at > 9 ? Number.NaN : Number(bytes.toString('latin1', at, space))
    const end = at + length
    const equals = bytes.indexOf(0x3d, space + 1)
    if (!(Number.isSafeInteger(length) && end <= bytes.length && equals > space + 1 && equals < end && bytes[end - 1] === 0x0a))
      throw damaged('an extended header is malformed')
    records.push([bytes.toString('latin1', space + 1, equals), bytes.toString('latin1', equals + 1, end - 1)])
    at = end
  }
  return records
}
export function paxNumber(text: string): number {
  const value = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) throw damaged('a number of an extended header is out of range')
  return value
}
