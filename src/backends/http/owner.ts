// Whose owned containers are: a label that names this process so that no other, later or elsewhere, is taken for it.
import { randomUUID } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { once } from '../../util/once.js'

/** Engines of this process that are open. */
const open = new Set<string>()

export class Owner {
  readonly #engine: string = randomUUID()
  /** Ids of the containers that this engine made and owns. */
  readonly owned: Set<string> = new Set()
  constructor() {
    open.add(this.#engine)
  }
  async label(): Promise<string> {
    return `${await ownProcess()}/${this.#engine}`
  }
  close(): void {
    open.delete(this.#engine)
  }
}

/**
 * True when the process of that label is known to be gone, or its engine closed. What cannot be told from here (another host, another
 * container with processes of its own) is alive.
 */
export async function isGone(label: string): Promise<boolean> {
  const [place = '', boot = '', pid = '', started = '', engine = ''] = label.split('/')
  const [ownPlace = '', ownBoot = '', ownPid = '', ownStarted = ''] = (await ownProcess()).split('/')
  if (place === '' || engine === '' || place !== ownPlace || !/^[1-9]\d{0,9}$/.test(pid)) return false
  if (boot !== ownBoot) return true
  if (pid === ownPid && started === ownStarted) return !open.has(engine)
  return !(await isAlive(Number(pid), started))
}

const ownProcess: () => Promise<string> = once(async () => {
  const started = await startedAt(process.pid)
  return [await thisPlace(), await bootId(), process.pid, started ?? '0'].join('/')
})

/** The machine, and the processes of it that this one sees by the same numbers. */
async function thisPlace(): Promise<string> {
  const machine = await readFile('/etc/machine-id', 'utf8').catch(() => '')
  const pids = await readlink('/proc/self/ns/pid').catch(() => '')
  return [machine.trim() || hostname(), pids.replace(/\D/g, '')].join('-').replaceAll('/', '_')
}
async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'boot')).trim()
}
/** In the kernel's ticks since boot; undefined where nobody tells, or there is no such process. */
async function startedAt(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}
async function isAlive(pid: number, started: string): Promise<boolean> {
  if (started !== '0') return (await startedAt(pid)) === started
  // Without /proc a number that is used again counts as alive: what is left is not removed, but nothing of a living one is.
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
