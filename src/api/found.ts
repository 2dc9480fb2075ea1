import { isEngineError } from '../errors.js'

/** What `get` gives, or `undefined` where it throws `not_found`. */
export async function found<T>(getting: Promise<T>): Promise<T | undefined> {
  try {
    return await getting
  } catch (error) {
    if (isEngineError(error, 'not_found')) return undefined
    throw error
  }
}
