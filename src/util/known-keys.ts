// Options of an entry function, as plain JavaScript passes them.
import { EngineError } from '../errors.js'

/** Throws `invalid_argument` for what is no object, and for a key that is not among `known`. */
export function checkKeys<T extends object>(what: string, options: T, known: Readonly<Record<Keys<T>, true>>): void {
  if (typeof options !== 'object' || options === null) throw new EngineError('invalid_argument', `${what} needs an object of options`)
  for (const key of Object.keys(options))
    if (!Object.hasOwn(known, key)) throw new EngineError('invalid_argument', `${what}: "${key}" is not known`)
}
type Keys<T> = T extends unknown ? keyof T & string : never
