// What a daemon's history tells of the ends of a container that nobody has looked at.
import type { CallOptions } from '../../model/common.js'
import type { ExitStatus } from '../../model/process.js'
import { within } from '../../util/abort.js'
import type { ContainerContext } from './container-context.js'
import { engineEvents } from './events.js'
import type { InspectAnswer } from './wire/container.js'
import { isRunning, toDate } from './wire/container-info.js'

type HistoryContext = Pick<ContainerContext, 'calls' | 'dialect' | 'facts' | 'supports'>
/** What is known of an end without its being looked at. */
export type ToldEnd = Pick<ExitStatus, 'exitCode' | 'exitedAt'>

/** Some daemons write their history a little later than they act, and a busy one takes its time to read it. */
const historyMs = 10_000

/** Where the history is to be read for the first end after a look. */
export interface Beginning {
  readonly since: Date | undefined
  /** Where nothing ran then, it is the end of a run that began later: that of the one before may be told late. */
  readonly running: boolean
  /** It has gone, and the daemon tells its removal last: no end is waited for behind that. */
  readonly gone?: boolean | undefined
}
export function lookedAt({ State, Created }: InspectAnswer): Beginning {
  const running = isRunning(State)
  return { since: toDate(running ? State.StartedAt : State.FinishedAt) ?? toDate(Created), running }
}
/** `undefined`: it tells none, or is not kept. */
export async function endInHistory(
  context: HistoryContext,
  id: string,
  { since, running, gone = false }: Beginning,
  { signal }: CallOptions,
): Promise<ToldEnd | undefined> {
  if (since === undefined || !context.supports('event_history')) return undefined
  const asked = { since, types: ['container'], actions: ['start', 'exit', 'remove'], subjects: [id] } as const
  return within(
    historyMs,
    async (call) => {
      let begun = running
      for await (const { action, attributes, time } of engineEvents(context, { ...asked, signal: call.signal })) {
        if (action === 'start') begun = true
        else if (action === 'remove' && gone) return undefined
        else if (begun && /^\d+$/.test(attributes['exitCode'] ?? '')) return { exitCode: Number(attributes['exitCode']), exitedAt: time }
      }
      return undefined
    },
    { signal },
  )
}
