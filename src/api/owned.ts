// The end of a container that belongs to a block of code.
import type { Backend } from '../ports/backend/backend.js'
import { raceAbort } from '../util/abort.js'

const deadlineMs = 30_000

/** Running or not, with its unnamed volumes. Has its own deadline and never rejects: what is left goes with the engine, or by `repair`. */
export async function removeOwned(backend: Backend, id: string): Promise<void> {
  const signal = AbortSignal.timeout(deadlineMs)
  try {
    await raceAbort(backend.containers.remove(id, { force: true, volumes: true, signal }), signal)
  } catch {
    /* traced by the backend */
  }
}
