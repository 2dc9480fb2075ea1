// The moment behind the end of a container, in which some daemons tidy up, or start it again.
import type { CallOptions } from '../../model/common.js'
import { within } from '../../util/abort.js'
import type { ContainerContext } from './container-context.js'
import { engineEvents } from './events.js'
import type { InspectAnswer } from './wire/container.js'
import { isRunning, toDate } from './wire/container-info.js'

/** A daemon that was killed just then never tells. */
const longestMs = 10_000

/**
 * Resolves when the daemon's history says that all is done that follows the end that was seen, with the action that says so; with none at once for
 * an old one, and when it does not tell.
 */
export async function untilSettled(
  context: Pick<ContainerContext, 'calls' | 'dialect' | 'facts'>,
  { Id, State }: Pick<InspectAnswer, 'Id' | 'State'>,
  options: CallOptions = {},
): Promise<string | undefined> {
  const { settledBy } = context.dialect.containers
  const since = toDate(State.FinishedAt)
  if (settledBy === undefined || since === undefined || isRunning(State) || Date.now() - since.getTime() > longestMs) return undefined
  return within(
    longestMs,
    async ({ signal }) => {
      for await (const { action } of engineEvents(context, { since, types: ['container'], actions: settledBy, subjects: [Id], signal }))
        return action
      return undefined
    },
    options,
  )
}
