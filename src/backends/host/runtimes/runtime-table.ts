// Which of a room's runtimes the managers may choose, and which one runs a container that names none.
import { EngineError, isEngineError } from '../../../errors.js'
import type { RuntimeRef } from '../../../model/process.js'
import type { Runtimes } from './runtimes.js'

export interface RuntimeChoice {
  readonly default: string
  /** Those that can be used. */
  readonly names: readonly string[]
  check(runtime: RuntimeRef): Promise<void>
}

/** `wanted` is the default that the user named; else it is `preferred`, else the first that can be used. Throws `invalid_argument` for one that is not in the table. */
export function runtimeTable(
  runtimes: Pick<Runtimes<unknown>, 'names' | 'check'>,
  wanted: string | undefined,
  preferred?: string,
): RuntimeChoice {
  const { names } = runtimes
  const usable = (name: string): boolean => {
    try {
      runtimes.check({ name })
      return true
    } catch (error) {
      if (isEngineError(error)) return false
      throw error
    }
  }
  if (wanted !== undefined && !names.includes(wanted))
    throw new EngineError('invalid_argument', `defaultRuntime "${wanted}" is not in the table of runtimes`)
  const chosen = wanted ?? preferred ?? names.find(usable) ?? names[0]
  if (chosen === undefined) throw new EngineError('invalid_argument', 'runtimes: the table is empty')
  return { default: chosen, names: names.filter(usable), check: async (runtime) => runtimes.check(runtime) }
}
