// A place in a daemon's history: a time, and how many events of just that time have been seen.
import { EngineError } from '../../errors.js'
import type { Cursor } from '../../model/event.js'

export interface Place {
  /** Since 1970, as near as a number comes (256 ns): the same event gives the same number each time. */
  readonly nanos: number
  readonly count: number
}

const all = 999_999_999

/** With `after` all events of that very time lie before it. */
export function newPlace(nanos: number, after: boolean): Place {
  return { nanos, count: after ? all : 0 }
}
export function isAfter(one: Place, other: Place): boolean {
  return one.nanos > other.nanos || (one.nanos === other.nanos && one.count > other.count)
}

export function formatCursor({ nanos, count }: Place): Cursor {
  return `${BigInt(Math.trunc(nanos))}.${count}`
}
/** Throws `invalid_argument`. */
export function parseCursor(cursor: Cursor): Place {
  const match = /^(\d{1,19})\.(\d{1,9})$/.exec(cursor)
  if (match === null) throw new EngineError('invalid_argument', `cursor "${cursor.slice(0, 60)}" is none of this backend`)
  return { nanos: Number(match[1]), count: Number(match[2]) }
}

/** Seconds with a fraction of nine digits, as `since` and `until` want it. */
export function timeText(nanos: number): string {
  const whole = BigInt(Math.max(0, Math.trunc(nanos)))
  return `${whole / 1_000_000_000n}.${String(whole % 1_000_000_000n).padStart(9, '0')}`
}
