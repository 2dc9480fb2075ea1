// Figures of one thing against another, measured in turn in one run: machines swing, ratios hold.
import type { Step } from '../../test/setup/loop-steps.js'

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: 'ms' | 'ratio' | 'MiB' | 'per second' | 'packages'
  /** What was promised; absent: told, not promised. */
  readonly goal?: number | undefined
}

export interface Contender {
  readonly name: string
  run(): Promise<void>
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/**
 * Milliseconds of each run of each contender, A B A B ..., after one warm-up of each. `leads` more go before each that counts: a daemon
 * goes on clearing up when it has answered, which is not the next one's to pay, and a pause would cool the machine.
 */
export async function inTurn(contenders: readonly Contender[], rounds: number, leads = 0): Promise<ReadonlyMap<string, readonly number[]>> {
  const times = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (const { run } of contenders) await run()
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of contenders) {
      for (let lead = 0; lead < leads; lead++) await run()
      const begun = performance.now()
      await run()
      times.get(name)?.push(performance.now() - begun)
    }
  }
  return times
}

/** Milliseconds of the thread's CPU, without those of the garbage collector. */
export function longestStep(steps: readonly Step[]): number {
  return Math.max(0, ...steps.map(({ cpuMs, collectingMs }) => cpuMs - collectingMs))
}

/** The medians, and the ratio of the first to the second. */
export function compare(label: string, times: ReadonlyMap<string, readonly number[]>, goal?: number): readonly Figure[] {
  const [ours, theirs] = [...times].map(([name, values]) => ({ name, value: median(values) }))
  if (ours === undefined || theirs === undefined) throw new Error('two contenders are compared')
  return [
    { name: `${label}: ${ours.name}`, value: ours.value, unit: 'ms' },
    { name: `${label}: ${theirs.name}`, value: theirs.value, unit: 'ms' },
    { name: `${label}: ${ours.name} / ${theirs.name}`, value: ours.value / theirs.value, unit: 'ratio', goal },
  ]
}
