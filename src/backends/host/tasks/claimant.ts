// This process, told apart from another that gets its number later.
import { once } from '../../../util/once.js'
import { readSmall } from '../small-files.js'

/** Who makes a task, or an exec: tells the unfinished work of the dead from that of the living. */
export interface Claimant {
  readonly pid: number
  /** Clock ticks since boot, so that a number given again to another process is told apart. */
  readonly startTime: string
  readonly bootId: string
}

export const bootId: () => string = once(() => (readSmall('/proc/sys/kernel/random/boot_id') ?? '').trim())

export const ourselves: () => Promise<Claimant> = once(async () => {
  const { pid } = process
  return { pid, startTime: startTimeOf(pid) ?? '', bootId: bootId() }
})
/** A zombie is dead. */
export async function isAlive(claimant: Claimant): Promise<boolean> {
  return claimant.bootId === bootId() && startTimeOf(claimant.pid) === claimant.startTime
}

/** In clock ticks since boot; `undefined` for one that is gone, a zombie included. */
export function startTimeOf(pid: number): string | undefined {
  let stat: string | undefined
  try {
    stat = readSmall(`/proc/${pid}/stat`)
  } catch {
    return undefined // it ended while it was read
  }
  if (stat === undefined) return undefined
  // After the name, which may hold anything: state is field 3, starttime field 22.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}
