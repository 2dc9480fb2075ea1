// One event as daemons send it: Docker's with capitals, pouchd's without.
import * as z from 'zod/mini'
import type { Maybe } from './maybe.js'
import type { EngineEvent, EventType } from '../../../model/event.js'

const text: z.ZodMiniType<string | null | undefined> = z.nullish(z.string())
const attributes = z.nullish(z.record(z.string(), z.nullish(z.string())))
const actor = z.nullish(z.object({ ID: text, Attributes: attributes }))
export interface EventAnswer {
  readonly Type?: Maybe<string>
  readonly type?: Maybe<string>
  readonly Action?: Maybe<string>
  readonly action?: Maybe<string>
  readonly status?: Maybe<string>
  readonly id?: Maybe<string>
  readonly Actor?: Maybe<{ readonly ID?: Maybe<string>; readonly Attributes?: Maybe<Readonly<Record<string, Maybe<string>>>> }>
  readonly actor?: Maybe<{ readonly ID?: Maybe<string>; readonly Attributes?: Maybe<Readonly<Record<string, Maybe<string>>>> }>
  readonly time?: Maybe<number>
  readonly timeNano?: Maybe<number>
}
/** What has no time is no event: pouchd tells in its place what is wrong, in a stream that has begun well. */
export const eventAnswer: z.ZodMiniType<EventAnswer> = z
  .object({
    Type: text,
    type: text,
    Action: text,
    action: text,
    status: text,
    id: text,
    Actor: actor,
    actor,
    time: z.nullish(z.number().check(z.minimum(0), z.maximum(9e9))),
    timeNano: z.nullish(z.number().check(z.minimum(0), z.maximum(9e18))),
  })
  .check(z.refine(({ time, timeNano }) => (time ?? timeNano ?? undefined) !== undefined, 'has no time'))
export type EventBody = Omit<EngineEvent, 'cursor'>

const types: Readonly<Record<string, EventType>> = { container: 'container', image: 'image', network: 'network', volume: 'volume' }
/** Where a daemon has another word. */
const actions: Readonly<Record<string, string>> = {
  die: 'exit',
  died: 'exit',
  destroy: 'remove',
  delete: 'remove',
  unpause: 'resume',
  extract_to_dir: 'write',
  'extract-to-dir': 'write',
  'archive-path': 'read',
}
const execAction = /^exec_(create|start|die)(?::.*)?$/s

/** In nanoseconds, as near as a number comes: rounded the same way each time. */
export function nanosOf({ time, timeNano }: EventAnswer): number {
  return timeNano ?? (time ?? 0) * 1e9
}

export function toEvent(answer: EventAnswer): EventBody {
  const { ID, Attributes } = answer.Actor ?? answer.actor ?? {}
  const told = Object.fromEntries(Object.entries(Attributes ?? {}).map(([name, value]) => [name, value ?? '']))
  const exitCode = told['exitCode'] ?? told['containerExitCode']
  const known = exitCode === undefined ? told : { ...told, exitCode }
  const word = answer.Action ?? answer.action ?? answer.status ?? ''
  const time = new Date(nanosOf(answer) / 1e6)
  const exec = execAction.exec(word)
  if (exec !== null)
    return { type: 'exec', action: exec[1] === 'die' ? 'exit' : (exec[1] ?? ''), subject: execSubject(known, ID), time, attributes: known }
  const type = types[answer.Type ?? answer.type ?? 'container'] ?? 'engine'
  // `health_status: healthy`
  const [action = '', detail] = word.split(': ', 2)
  const name = known['name']
  return {
    type,
    action: actions[action] ?? action,
    subject: { kind: type, id: ID ?? answer.id ?? '', ...(name !== undefined && { name }) },
    time,
    attributes: detail === undefined ? known : { ...known, detail },
  }
}
function execSubject(attributes: Readonly<Record<string, string>>, containerId: string | null | undefined): EngineEvent['subject'] {
  return { kind: 'exec', id: attributes['execID'] ?? containerId ?? '' }
}
