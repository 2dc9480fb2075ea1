// What every service of this room is given.
import { EngineError } from '../../errors.js'
import type { Trace } from '../../model/trace.js'
import type { Capability } from '../../ports/backend/backend.js'
import type { Need } from '../../ports/backend/needs.js'
import type { HttpCalls } from './calls.js'
import type { DaemonFacts, Dialect } from './dialect.js'

export interface HttpContext {
  readonly calls: HttpCalls
  readonly dialect: Dialect
  readonly facts: DaemonFacts
  /** Of the backend, for messages. */
  readonly name: string
  supports(capability: Capability): boolean
  /** Never throws. */
  readonly trace: Trace
}

/** `unsupported`, before anything is asked of the daemon. */
export function requireCapability(context: Pick<HttpContext, 'name' | 'supports'>, capability: Capability): void {
  if (!context.supports(capability)) throw unsupported(context.name, `"${capability}"`)
}
/** `what` is a capability or a field in quotes. */
export function unsupported(name: string, what: string): EngineError {
  return new EngineError('unsupported', `the ${name} backend does not support ${what}`)
}

/** `unsupported` for the first field that needs what the daemon cannot. */
export function requireNeeds(context: Pick<HttpContext, 'name' | 'supports'>, needs: readonly Need[]): void {
  const lacking = needs.find(({ capability }) => !context.supports(capability))
  if (lacking === undefined) return
  throw unsupported(context.name, `"${lacking.field}", which needs "${lacking.capability}"`)
}
