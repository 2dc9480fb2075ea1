// What the machine itself makes of a short piece of work, beside what is measured: where a host takes time or memory from a virtual machine,
// the clock of a thread counts that as the thread's own.
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import type { Figure } from './measure.js'

/** CPU time of a process that does nothing but count, the same piece each time. */
interface Counted {
  readonly medianMs: number
  readonly longestMs: number
}

/** One piece every 4 ms, until its input ends. */
const program = `
  const times = []
  const timer = setInterval(() => {
    const before = process.cpuUsage()
    let sum = 0
    for (let i = 0; i < 200_000; i++) sum += i & 7
    const { user, system } = process.cpuUsage(before)
    times.push((user + system) / 1000)
  }, 4)
  process.stdin.resume().once('end', () => {
    clearInterval(timer)
    times.sort((a, b) => a - b)
    process.stdout.write(JSON.stringify({ medianMs: times[times.length >> 1], longestMs: times.at(-1) }))
  })`

/** Figures of a counter that runs while the work does. */
export async function besideCounter(label: string, work: () => Promise<void>): Promise<readonly Figure[]> {
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const output = text(child.stdout)
  try {
    await work()
  } finally {
    child.stdin.end()
  }
  const { medianMs, longestMs } = JSON.parse(await output) as Counted
  return [
    { name: `a piece of a program that only counts meanwhile, ${label}`, value: medianMs, unit: 'ms' },
    { name: `its longest piece, ${label}`, value: longestMs, unit: 'ms' },
  ]
}
