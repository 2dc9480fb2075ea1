// What daemons say, checked on entry. Unknown fields are ignored.
import * as z from 'zod/mini'
import { EngineError } from '../../../errors.js'

/** `what` is the exchange, e.g. `GET /info`. What does not fit is `internal`: a bug of the daemon, or of the schema. */
export function parse<T>(schema: z.ZodMiniType<T>, value: unknown, what: string): T {
  const result = z.safeParse(schema, value)
  if (result.success) return result.data
  const [first] = result.error.issues
  const place = first === undefined || first.path.length === 0 ? 'its answer' : `"${first.path.map(String).join('.').slice(0, 200)}"`
  throw new EngineError('internal', `the daemon's answer to ${what} does not fit: ${place} ${first?.message ?? ''}`.trimEnd(), {
    cause: result.error,
  })
}
