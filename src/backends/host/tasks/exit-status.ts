// From what the shim, the cgroup and our own notes say to an exit status. Pure.
import { constants } from 'node:os'
import { EngineError } from '../../../errors.js'
import type { ExitStatus, Signal } from '../../../model/process.js'

export interface ExitFacts {
  readonly exitStatus: number
  readonly exitedAt: Date | undefined
  /** Those that the engine sent, in any order. */
  readonly sent: readonly Signal[]
  /** `undefined`: the counter could not be read. */
  readonly oomKilled: boolean | undefined
}

/** 128 + n proves no signal: a program may exit so itself. Only with our own note or the kernel's count is one named. */
export function toExitStatus({ exitStatus, exitedAt, sent, oomKilled }: ExitFacts): ExitStatus {
  const exitCode = exitStatus & 0xff
  const killed: Signal | undefined = oomKilled === true && exitCode === 137 ? 'SIGKILL' : undefined
  const signal = sent.find((one) => 128 + signalNumber(one) === exitCode) ?? killed
  // A shim's clock may not have been set, or the field not at all.
  const time = exitedAt === undefined || exitedAt.getTime() <= 0 ? new Date() : exitedAt
  return { exitCode, ...(signal !== undefined && { signal }), exitedAt: time, oomKilled, lost: false }
}
export function lostExit(oomKilled: boolean | undefined): ExitStatus {
  return { exitCode: 255, exitedAt: new Date(), oomKilled, lost: true }
}

const firstRealtime = 34
const lastRealtime = 64

/** Throws `invalid_argument` for a name that Linux does not know. */
export function signalNumber(signal: Signal): number {
  const known = (constants.signals as Readonly<Record<string, number>>)[signal]
  if (known !== undefined) return known
  const [, end, offset] = /^SIGRT(MIN|MAX)(?:([+-]\d+))?$/.exec(signal) ?? []
  const number = end === undefined ? 0 : (end === 'MIN' ? firstRealtime : lastRealtime) + Number(offset ?? 0)
  if (number < firstRealtime || number > lastRealtime) throw new EngineError('invalid_argument', `no signal "${signal}"`)
  return number
}
