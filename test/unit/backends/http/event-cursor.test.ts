import { describe, expect, it } from 'vitest'
import { formatCursor, isAfter, newPlace, parseCursor, timeText } from '../../../../src/backends/http/event-cursor.js'

describe('cursors of events', () => {
  it('come back as they were', () => {
    const nanos = Number('1795533678212678807')
    for (const place of [newPlace(nanos, true), { nanos: 0, count: 0 }, { nanos, count: 7 }])
      expect(parseCursor(formatCursor(place))).toEqual(place)
  })
  it('one place is after another by its time, then by the count of what came at that time', () => {
    expect(isAfter({ nanos: 2, count: 1 }, { nanos: 1, count: 9 })).toBe(true)
    expect(isAfter({ nanos: 1, count: 2 }, { nanos: 1, count: 1 })).toBe(true)
    expect(isAfter({ nanos: 1, count: 1 }, { nanos: 1, count: 1 })).toBe(false)
    expect(isAfter({ nanos: 1, count: 500 }, newPlace(1, true))).toBe(false)
    expect(isAfter({ nanos: 1, count: 1 }, newPlace(1, false))).toBe(true)
  })
  it.each(['', 'x', '1', '1.2.3', '-1.0', '1e9.0', '99999999999999999999.1'])('"%s" is none', (cursor) => {
    expect(() => parseCursor(cursor)).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
  it('a time is written in seconds with nine digits after the point', () => {
    expect(timeText(15e17 + 256)).toBe('1500000000.000000256')
    expect(timeText(-5)).toBe('0.000000000')
  })
})
