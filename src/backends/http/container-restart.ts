// Restarts a container.
import type { StopOptions } from '../../ports/backend/containers.js'
import { type ContainerContext, containerSubject, inspect } from './container-context.js'
import { stopContainer } from './container-end.js'
import { startContainer } from './container-start.js'
import { path } from './path.js'
import { toContainerSpec } from './wire/container-spec.js'
import { defaultGraceMs } from './wire/create-body.js'
import { isRunning } from './wire/container-info.js'

/**
 * By the daemon where that is the same: an abort, or our end, then leaves no stopped container. With a grace that is none of whole seconds, or
 * none at all (which to a daemon is its signal and SIGKILL right behind it), it is a stop and a start, and who dies in between leaves it stopped.
 */
export async function restartContainer(context: ContainerContext, id: string, options: StopOptions): Promise<void> {
  const { signal } = options
  const answer = await inspect(context, id, { signal })
  const { stopSignal = 'SIGTERM', stopGraceMs = defaultGraceMs } = toContainerSpec(answer)
  const graceMs = options.graceMs ?? stopGraceMs
  const runs = isRunning(answer.State) && answer.State.Paused !== true
  if (runs && context.dialect.containers.restarts && graceMs > 0 && graceMs % 1_000 === 0) {
    context.signals.note(id, stopSignal)
    context.signals.note(id, 'SIGKILL')
    const query = { t: graceMs / 1_000 }
    await context.calls.json('POST', path`/containers/${id}/restart`, { query, subject: containerSubject(id), patient: true, signal })
    return
  }
  await stopContainer(context, id, options)
  await startContainer(context, id, { signal })
}
