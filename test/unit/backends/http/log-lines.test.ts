import { describe, expect, it } from 'vitest'
import { Demultiplexer } from '../../../../src/backends/http/demultiplex.js'
import { FramedLog, type LogParser, PlainLog } from '../../../../src/backends/http/log-lines.js'
import type { LogEntry } from '../../../../src/ports/streams.js'
import { frame } from '../../../setup/scripted-daemon.js'

const time = (second: number): string => `2026-11-24T15:21:${String(second).padStart(2, '0')}.123456789Z`
function parse(parser: LogParser, bytes: Uint8Array, size: number = bytes.length): LogEntry[] {
  const entries: LogEntry[] = []
  for (let at = 0; at < bytes.length; at += size) entries.push(...parser.push(bytes.subarray(at, at + size)))
  return [...entries, ...parser.end()]
}
const shown = (entries: readonly LogEntry[]): unknown[] =>
  entries.map(({ stream, text, time: at, partial }) => [stream, text, at.getUTCSeconds(), partial === true])
const framed = (): FramedLog => new FramedLog(new Demultiplexer())

describe('the log without a terminal', () => {
  it('has one entry a line with its time and stream, however it was cut', () => {
    const bytes = Buffer.concat([
      frame('stdout', `${time(1)} one\n`),
      frame('stderr', `${time(2)} \n`),
      frame('stdout', `${time(3)} 2026-11-24T00:00:00Z is text\n`),
    ])
    for (const size of [1, 3, 9, 30, bytes.length])
      expect(shown(parse(framed(), bytes, size))).toEqual([
        ['stdout', 'one', 1, false],
        ['stderr', '', 2, false],
        ['stdout', '2026-11-24T00:00:00Z is text', 3, false],
      ])
  })

  it('joins the messages of a long line, and cuts it where characters end', () => {
    const long = 'é'.repeat(12_000) // 24 000 bytes
    const line = Buffer.from(`${long}\n`)
    const messages = [line.subarray(0, 16_383), line.subarray(16_383)]
    const bytes = Buffer.concat(messages.map((part, index) => frame('stdout', Buffer.concat([Buffer.from(`${time(index)} `), part]))))
    const entries = parse(framed(), bytes)
    expect(entries.map(({ text }) => text).join('')).toBe(long)
    expect(entries.map(({ partial }) => partial === true)).toEqual([true, false])
    expect(entries.every(({ bytes: part, text }) => part.length <= 16 << 10 && !text.includes('\ufffd'))).toBe(true)
    expect(entries.map(({ time: at }) => at.getUTCSeconds())).toEqual([0, 0])
  })

  it('lines of two streams that were begun at once stay apart', () => {
    const bytes = Buffer.concat([
      frame('stdout', `${time(1)} out`),
      frame('stderr', `${time(2)} err\n`),
      frame('stdout', `${time(3)} put\n`),
    ])
    expect(shown(parse(framed(), bytes))).toEqual([
      ['stderr', 'err', 2, false],
      ['stdout', 'output', 1, false],
    ])
  })

  it('a line without an end is a line, an end within a frame is none', () => {
    expect(shown(parse(framed(), frame('stdout', `${time(1)} last`)))).toEqual([['stdout', 'last', 1, false]])
    expect(() => parse(framed(), frame('stdout', `${time(1)} last`).subarray(0, 20))).toThrow(/middle of a frame/)
  })
})

describe('the log of a terminal', () => {
  it('has a time before each line, and one stream', () => {
    const bytes = Buffer.from(`${time(1)} one\r\n${time(2)} two\r\n`)
    for (const size of [1, 7, bytes.length])
      expect(shown(parse(new PlainLog(), bytes, size))).toEqual([
        ['stdout', 'one\r', 1, false],
        ['stdout', 'two\r', 2, false],
      ])
  })
})
