// Lines of `top`, from /proc of this host.
import { readFile } from 'node:fs/promises'
import type { ProcessEntry } from '../../../model/process.js'

/** USER_HZ: the same on every architecture that Node runs on. */
const ticksPerSecond = 100

/** Processes that end meanwhile are left out. */
export async function processEntries(pids: readonly number[]): Promise<readonly ProcessEntry[]> {
  const boot = bootTime(await readFile('/proc/stat', 'utf8'))
  const entries = await Promise.all(
    pids.map(async (pid) => {
      try {
        const [stat, status, command] = await Promise.all(
          ['stat', 'status', 'cmdline'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
        )
        return toEntry(pid, stat ?? '', status ?? '', command ?? '', boot)
      } catch {
        return undefined
      }
    }),
  )
  return entries.filter((entry) => entry !== undefined)
}

/** Pure. The texts are those of /proc/<pid>/stat, status and cmdline. */
export function toEntry(pid: number, stat: string, status: string, cmdline: string, bootMs: number | undefined): ProcessEntry {
  const end = stat.lastIndexOf(')') // the name before it may hold anything
  const fields = stat.slice(end + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  const line = (name: string): string[] => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/) ?? []
  const innermost = line('NSpid').at(-1)
  return {
    pid,
    parentPid: field(4),
    uid: Number(line('Uid')[0] ?? 0),
    ...(innermost !== undefined && innermost !== '' && { containerPid: Number(innermost) }),
    command: cmdline === '' ? [`[${stat.slice(stat.indexOf('(') + 1, end)}]`] : cmdline.replace(/\0$/, '').split('\0'),
    cpuNanos: ((field(14) + field(15)) * 1_000_000_000) / ticksPerSecond,
    ...(bootMs !== undefined && { startedAt: new Date(bootMs + (field(22) * 1_000) / ticksPerSecond) }),
  }
}
function bootTime(text: string): number | undefined {
  const seconds = /^btime (\d+)$/m.exec(text)?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1_000
}
