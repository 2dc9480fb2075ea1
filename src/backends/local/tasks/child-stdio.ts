// The three streams of a child that runs a process: what is thrown away is /dev/null, all else goes through FIFOs.
import { closeSync, constants, openSync } from 'node:fs'
import type { CarriedStdio } from '../../host/tasks/carrier.js'
import { type FifoPool, forget } from './fifo-pool.js'
import { Pump } from './pump.js'

export class ChildStdio {
  readonly #pumps: Pump[]
  #childEnds: readonly number[]
  /** Keeps the process from reading an end of its input while nobody writes. */
  #keeper: number | undefined
  readonly descriptors: readonly (number | 'ignore')[]

  private constructor(pumps: readonly (Pump | undefined)[], input: number | undefined, keeper: number | undefined) {
    this.#pumps = pumps.filter((pump) => pump !== undefined)
    this.#childEnds = [...this.#pumps.map(({ writeEnd }) => writeEnd), ...(input === undefined ? [] : [input])]
    this.#keeper = keeper
    this.descriptors = [input ?? 'ignore', ...pumps.map((pump) => pump?.writeEnd ?? ('ignore' as const))]
  }
  static async open(pool: FifoPool, { stdin, stdout, stderr, tty }: CarriedStdio): Promise<ChildStdio> {
    const pumps: (Pump | undefined)[] = []
    try {
      for (const path of [stdout, stderr]) pumps.push(path === undefined || path === '/dev/null' ? undefined : await Pump.open(pool, path))
      if (stdin !== undefined) return new ChildStdio(pumps, ...openInput(stdin))
      if (!tty) return new ChildStdio(pumps, undefined, undefined)
      // A terminal that nobody types on is not one that was hung up.
      const silent = await pool.take()
      try {
        return new ChildStdio(pumps, ...openInput(silent))
      } finally {
        forget(silent)
      }
    } catch (error) {
      for (const pump of pumps) {
        if (pump === undefined) continue
        closeSync(pump.writeEnd)
        pump.close()
      }
      throw error
    }
  }
  /** The child has them, or there will be none. */
  handOver(): void {
    for (const end of this.#childEnds) closeSync(end)
    this.#childEnds = []
  }
  start(): void {
    for (const pump of this.#pumps) pump.start()
  }
  /** Of a process that never ran: what was said in its place. */
  refuse(): string {
    this.closeInput()
    return this.#pumps
      .splice(0)
      .map((pump) => pump.rest())
      .join('\n')
  }
  closeInput(): void {
    if (this.#keeper !== undefined) closeSync(this.#keeper)
    this.#keeper = undefined
  }
  async drained(): Promise<void> {
    await Promise.all(this.#pumps.map((pump) => pump.drained()))
  }
  close(): void {
    this.closeInput()
    for (const pump of this.#pumps.splice(0)) pump.close()
  }
}

/** The process's end, and one that keeps it open. */
function openInput(path: string): [input: number, keeper: number] {
  // Both ways: so it waits for nobody, and then there is a writer for the other.
  const keeper = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  try {
    return [openSync(path, constants.O_RDONLY), keeper]
  } catch (error) {
    closeSync(keeper)
    throw error
  }
}
