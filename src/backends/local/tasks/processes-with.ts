// Ends what a dead process of ours has left running half-way: every program that was started for a task has the path
// of one of its files as an argument.
import { readdir } from 'node:fs/promises'
import type { CallOptions } from '../../../model/common.js'
import { sleep } from '../../../util/abort.js'
import { readSmall } from '../../host/small-files.js'
import { sendSignal } from './send-signal.js'

const rounds = 100
const pauseMs = 5

/** Those that have it as an argument, in this process's own pid namespace, itself left out. */
export async function processesWith(argument: string): Promise<readonly number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    if (commandLine(pid).split('\0').includes(argument)) found.push(pid)
  }
  return found
}
/** Resolves when there is none left. */
export async function killWith(argument: string, { signal }: CallOptions): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const pids = await processesWith(argument)
    if (pids.length === 0) return
    for (const pid of pids) sendSignal(pid, 9)
    await sleep(pauseMs, signal)
  }
}
function commandLine(pid: number): string {
  try {
    return readSmall(`/proc/${pid}/cmdline`) ?? ''
  } catch {
    return '' // it ended while it was read
  }
}
