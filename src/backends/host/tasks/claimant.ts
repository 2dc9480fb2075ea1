// This process, told apart from another that gets its number later.
import { readFile } from 'node:fs/promises'
import { once } from '../../../util/once.js'
import type { Claimant } from './task-files.js'

const bootId = once(async () => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim())

export const ourselves: () => Promise<Claimant> = once(async () => {
  const { pid } = process
  return { pid, startTime: (await startTime(pid)) ?? '', bootId: await bootId() }
})
/** A zombie is dead. */
export async function isAlive(claimant: Claimant): Promise<boolean> {
  return claimant.bootId === (await bootId()) && (await startTime(claimant.pid)) === claimant.startTime
}

async function startTime(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // After the name, which may hold anything: state is field 3, starttime field 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch {
    return undefined
  }
}
