// Linux signals by name and number. Real-time ones count from SIGRTMIN = 34, as C libraries leave two to themselves.
import type { Signal } from '../model/process.js'
import { EngineError } from '../errors.js'

const NAMES: readonly string[] = [
  'HUP',
  'INT',
  'QUIT',
  'ILL',
  'TRAP',
  'ABRT',
  'BUS',
  'FPE',
  'KILL',
  'USR1',
  'SEGV',
  'USR2',
  'PIPE',
  'ALRM',
  'TERM',
  'STKFLT',
  'CHLD',
  'CONT',
  'STOP',
  'TSTP',
  'TTIN',
  'TTOU',
  'URG',
  'XCPU',
  'XFSZ',
  'VTALRM',
  'PROF',
  'WINCH',
  'IO',
  'PWR',
  'SYS',
]
const ALIASES: Readonly<Record<string, string>> = { IOT: 'ABRT', CLD: 'CHLD', POLL: 'IO' }
const RTMIN = 34
const RTMAX = 64

/** Takes `SIGTERM`, `TERM`, `15`, `SIGRTMIN+3`, in any case. Unknown: `undefined`. */
export function findSignalNumber(text: string): number | undefined {
  const name = text.toUpperCase().replace(/^SIG/, '')
  if (/^\d{1,2}$/.test(name)) return inRange(Number(name))
  const index = NAMES.indexOf(ALIASES[name] ?? name)
  if (index >= 0) return index + 1
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name)
  if (realTime === null) return undefined
  const [, base, sign, distance = '0'] = realTime
  if (sign !== undefined && (sign === '+') !== (base === 'MIN')) return undefined
  const number = base === 'MIN' ? RTMIN + Number(distance) : RTMAX - Number(distance)
  return number >= RTMIN && number <= RTMAX ? number : undefined
}

/** Throws `invalid_argument`. */
export function signalNumber(text: string): number {
  const number = findSignalNumber(text)
  if (number === undefined) throw new EngineError('invalid_argument', `no signal "${text.slice(0, 40)}"`)
  return number
}

/** The one name of a signal: `15`, `term` and `SIGTERM` are `SIGTERM`. Unknown: `undefined`. */
export function findSignalName(text: string): Signal | undefined {
  const number = findSignalNumber(text)
  return number === undefined ? undefined : signalName(number)
}

/** Of 1 to 64. */
export function signalName(number: number): Signal {
  const name = NAMES[number - 1]
  if (name !== undefined) return `SIG${name}`
  return number === RTMIN ? 'SIGRTMIN' : number < RTMIN ? `SIG${number}` : `SIGRTMIN+${number - RTMIN}`
}

function inRange(number: number): number | undefined {
  return number >= 1 && number <= RTMAX ? number : undefined
}
