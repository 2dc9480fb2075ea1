import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { TimestampSchema, timestampFromDate } from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import { OptionsSchema } from '../../../../../src/backends/containerd/gen/runc_options_pb.js'
import { MountSchema } from '../../../../../src/backends/containerd/gen/types_pb.js'
import { bytesOf, dateOf, decode, encode, messagesOf, numberOf, stringOf } from '../../../../../src/backends/local/shim/protobuf.js'

describe('encode', () => {
  it('writes what a generated codec reads', () => {
    const mount = fromBinary(
      MountSchema,
      encode([
        [1, 'overlay'],
        [2, 'source ä'],
        [4, 'ro'],
        [4, 'lowerdir=/a'],
      ]),
    )
    expect(mount).toMatchObject({ type: 'overlay', source: 'source ä', options: ['ro', 'lowerdir=/a'] })
    expect(
      fromBinary(
        OptionsSchema,
        encode([
          [6, '/usr/bin/crun'],
          [7, '/state'],
          [1, true],
        ]),
      ),
    ).toMatchObject({
      binaryName: '/usr/bin/crun',
      root: '/state',
      noPivotRoot: true,
    })
  })
  it('leaves empty values out, but not an empty message', () => {
    expect(
      encode([
        [1, ''],
        [2, 0],
        [3, false],
        [4, new Uint8Array()],
      ]),
    ).toHaveLength(0)
    expect([...encode([[5, []]])]).toEqual([0x2a, 0])
  })
  it.each([1, 127, 128, 300, 0xffff_ffff, 2 ** 40])('writes %d so that it is read back', (number) => {
    expect(numberOf(decode(encode([[9, number]])), 9)).toBe(number)
  })
})

describe('decode', () => {
  it('reads what a generated codec writes, the last of a field that comes twice', () => {
    const bytes = toBinary(MountSchema, create(MountSchema, { type: 'bind', source: '/x', options: ['a', 'b'] }))
    const fields = decode(bytes)
    expect([stringOf(fields, 1), stringOf(fields, 4), fields.get(4)?.length]).toEqual(['bind', 'b', 2])
    expect([stringOf(fields, 8), numberOf(fields, 8), bytesOf(fields, 8), messagesOf(fields, 8)]).toEqual(['', 0, undefined, []])
  })
  it.each([new Date(0), new Date('2026-11-24T15:00:00.250Z'), new Date('1969-12-31T23:59:59.500Z')])('reads the time %s', (time) => {
    const inner = toBinary(TimestampSchema, timestampFromDate(time))
    expect(dateOf(decode(encode([[2, decodeFields(inner)]])), 2)).toEqual(time)
  })
  it('throws for what is cut short or no message at all', () => {
    for (const bytes of [[0x0a, 5, 1], [0x08], [0x08, 0x80], [0x0b], [0x09, 1], [0x08, ...Array<number>(11).fill(0xff)]])
      expect(() => decode(Uint8Array.from(bytes))).toThrow(RangeError)
  })
})
/** A message's bytes as a value, which an empty one must be, too. */
function decodeFields(bytes: Uint8Array): Uint8Array | [] {
  return bytes.length === 0 ? [] : bytes
}
