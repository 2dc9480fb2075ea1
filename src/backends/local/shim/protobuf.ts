// The little of the protobuf wire format that a shim's messages need: varints, strings, bytes, messages. Pure.
// https://protobuf.dev/programming-guides/encoding

export type Field = readonly [number: number, value: string | Uint8Array | number | boolean | readonly Field[]]
export type Fields = ReadonlyMap<number, readonly (Uint8Array | bigint)[]>

/** Empty values are left out, as the format has it; a field may come several times. */
export function encode(fields: readonly Field[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const [number, value] of fields) {
    if (typeof value === 'number' || typeof value === 'boolean') {
      if (value !== 0 && value !== false) parts.push(varint((number << 3) | 0), varint(Number(value)))
      continue
    }
    const bytes = typeof value === 'string' ? Buffer.from(value) : value instanceof Uint8Array ? value : encode(value)
    // A message that is there and empty says something else than one that is not.
    if (bytes.length === 0 && !Array.isArray(value)) continue
    parts.push(varint((number << 3) | 2), varint(bytes.length), bytes)
  }
  return Buffer.concat(parts)
}

/** All values of each field, in order; fixed ones as their bytes. Throws RangeError for what is cut short or no message. */
export function decode(bytes: Uint8Array): Fields {
  const fields = new Map<number, (Uint8Array | bigint)[]>()
  const reader = new Reader(bytes)
  while (!reader.done) {
    const key = Number(reader.varint())
    const values = fields.get(key >>> 3) ?? []
    fields.set(key >>> 3, values)
    switch (key & 7) {
      case 0:
        values.push(reader.varint())
        break
      case 1:
        values.push(reader.take(8))
        break
      case 2:
        values.push(reader.take(Number(reader.varint())))
        break
      case 5:
        values.push(reader.take(4))
        break
      default:
        throw new RangeError(`a field of wire type ${key & 7}`)
    }
  }
  return fields
}

export function numberOf(fields: Fields, field: number): number {
  const value = fields.get(field)?.at(-1)
  return typeof value === 'bigint' ? Number(value) : 0
}
export function bytesOf(fields: Fields, field: number): Uint8Array | undefined {
  const value = fields.get(field)?.at(-1)
  return typeof value === 'bigint' ? undefined : value
}
export function stringOf(fields: Fields, field: number): string {
  return Buffer.from(bytesOf(fields, field) ?? new Uint8Array()).toString()
}
export function messagesOf(fields: Fields, field: number): readonly Fields[] {
  return (fields.get(field) ?? []).flatMap((value) => (typeof value === 'bigint' ? [] : [decode(value)]))
}
/** google.protobuf.Timestamp */
export function dateOf(fields: Fields, field: number): Date | undefined {
  const bytes = bytesOf(fields, field)
  if (bytes === undefined) return undefined
  const time = decode(bytes)
  const seconds = time.get(1)?.at(-1)
  return new Date(Number(typeof seconds === 'bigint' ? BigInt.asIntN(64, seconds) : 0n) * 1_000 + numberOf(time, 2) / 1e6)
}
/** google.protobuf.Any */
export function any(typeUrl: string, value: Uint8Array): readonly Field[] {
  return [
    [1, typeUrl],
    [2, value],
  ]
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    bytes.push(rest === 0n ? low : low | 0x80)
  } while (rest !== 0n)
  return Uint8Array.from(bytes)
}
class Reader {
  readonly #bytes: Uint8Array
  #at = 0
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }
  get done(): boolean {
    return this.#at >= this.#bytes.length
  }
  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new RangeError('a number that is cut short')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new RangeError('a number that is too long')
  }
  take(length: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    if (taken.length < length) throw new RangeError('a field that is cut short')
    this.#at += length
    return taken
  }
}
