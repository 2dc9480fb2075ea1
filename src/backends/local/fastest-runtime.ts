// Which runtime runs a container that names none: the one that is fastest on this machine, found by running `true` with each of them.
import { join } from 'node:path'
import { isEngineError } from '../../errors.js'
import { keepAnswer } from '../host/runtimes/runtimes.js'
import { readSmall } from '../host/small-files.js'
import { type TrialOptions, openTrials, trialKey } from './runtime-trials.js'
import type { LocalRuntimes } from './runtimes.js'

/** Noise of a machine makes one slower, never faster. */
const tries = 5
/** Who is so many times as slow as the fastest is not tried again. */
const hopeless = 3

/**
 * Of those in the table whose program is there. Asked once for each boot and set of programs: later calls read the answer. One that
 * does not run here is passed over; where none does, it is the first. `undefined`: none is there.
 */
export async function fastestRuntime(runtimes: LocalRuntimes, options: TrialOptions = {}): Promise<string | undefined> {
  const usable = runtimes.names.filter((name) => isUsable(runtimes, name))
  const [first, second] = usable
  if (first === undefined || second === undefined) return first
  const keys = await Promise.all(usable.map((name) => trialKey(runtimes, name)))
  const kept = join(runtimes.answers, `.fastest-${keys.map((key) => key.slice(0, 8)).join('-')}`)
  const known = readSmall(kept)
  if (known !== undefined && usable.includes(known)) return known
  const best = await probe(runtimes, usable, options)
  if (best !== undefined) await keepAnswer(kept, best)
  return best ?? first
}

async function probe(runtimes: LocalRuntimes, names: readonly string[], { signal, onTrace }: TrialOptions): Promise<string | undefined> {
  await using trials = await openTrials(runtimes)
  const times = new Map<string, number>()
  let working = names
  // In turn, so that what the machine does meanwhile is shared.
  for (let turn = 0; turn < tries; turn += 1) {
    for (const name of working) {
      try {
        times.set(name, Math.min(await trials.run(name, { signal }), times.get(name) ?? Number.POSITIVE_INFINITY))
      } catch (error) {
        signal?.throwIfAborted()
        onTrace?.({ kind: 'warning', name: `probe of runtime ${name}`, error })
      }
    }
    const best = Math.min(...times.values())
    working = working.filter((name) => (times.get(name) ?? Number.POSITIVE_INFINITY) < best * hopeless)
    if (working.length < 2) break
  }
  return [...times].sort(([, a], [, b]) => a - b)[0]?.[0]
}

function isUsable(runtimes: LocalRuntimes, name: string): boolean {
  try {
    runtimes.check({ name })
    return true
  } catch (error) {
    if (isEngineError(error)) return false
    throw error
  }
}
