// The daemon's history and what goes on, over connections that come and go.
import { isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { Cursor, EngineEvent } from '../../model/event.js'
import type { EventsOptions } from '../../ports/backend/system.js'
import { sleep } from '../../util/abort.js'
import { readAhead } from '../../util/read-ahead.js'
import type { HttpContext } from './context.js'
import { type Place, formatCursor, isAfter, newPlace, parseCursor, timeText } from './event-cursor.js'
import { type EventBody, eventAnswer, nanosOf, toEvent } from './wire/event.js'
import { parse } from './wire/parse.js'

type EventContext = Pick<HttpContext, 'calls' | 'dialect' | 'facts'>

const shortestMs = 100
const longestMs = 2_000
/** Rounded times may be a little late; what was seen is passed over. */
const overlapNanos = 2_000
/** A clock that counts milliseconds is behind what has just happened. */
const clockNanos = 1e6

interface Seen {
  readonly place: Place
  readonly body: EventBody
}

/** Of those that nobody has read yet, in characters: a hundred containers that come and go are a few hundred thousand. */
const room = 4 << 20
const smallest = 256

/** What is followed is read at our own pace: Docker drops what a slow reader has not taken after 100 ms, and does not tell. */
export function engineEvents(context: EventContext, options: EventsOptions = {}): AsyncGenerator<EngineEvent, void, undefined> {
  const { follow = true, signal } = options
  if (!follow) return history(context, options)
  const lost = (event: EngineEvent): EngineEvent => gap(context, event.cursor)
  return readAhead((own) => history(context, { ...options, signal: own }), { room, weigh, lost, signal })
}
function weigh({ attributes }: EngineEvent): number {
  return Object.entries(attributes).reduce((sum, [name, value]) => sum + name.length + value.length, smallest)
}

async function* history(context: EventContext, options: EventsOptions): AsyncGenerator<EngineEvent, void, undefined> {
  const { since, follow = true, signal } = options
  signal?.throwIfAborted()
  const now = await daemonNow(context, { signal })
  if (since === undefined && !follow) return
  let place =
    since === undefined ? newPlace(now, true) : since instanceof Date ? newPlace(since.getTime() * 1e6, false) : parseCursor(since)
  let connected = false
  let doubtful = since !== undefined
  for (;;) {
    try {
      if (doubtful && (await isForgotten(context, place, now, { signal }))) yield gap(context, formatCursor(place))
      doubtful = false
      for await (const seen of answered(context, place, follow ? undefined : Math.max(now + clockNanos, place.nanos), { signal })) {
        connected = true
        place = seen.place
        if (isWanted(seen.body, options)) yield { cursor: formatCursor(place), ...seen.body }
      }
      connected = true
    } catch (error) {
      if (!isEngineError(error, 'unavailable') || !error.retryable || !follow || (!connected && !(await answers(context, { signal }))))
        throw error
    }
    if (!follow) return
    await untilItAnswers(context, { signal })
    if (!(await remembers(context, place, { signal }))) yield gap(context, formatCursor(place))
  }
}

/** After `place`, in order; up to `until` or for ever. Resolves when the daemon ends it. */
async function* answered(
  { calls, dialect }: EventContext,
  place: Place,
  until: number | undefined,
  { signal }: CallOptions,
): AsyncGenerator<Seen> {
  const end = until === undefined ? undefined : until + dialect.containers.historyLagMs * 1e6
  const query = { since: timeText(place.nanos - overlapNanos), until: end === undefined ? undefined : timeText(end) }
  let nanos = 0
  let count = 0
  for await (const line of calls.lines('GET', '/events', { query, signal })) {
    const answer = parse(eventAnswer, line, 'GET /events')
    const at = nanosOf(answer)
    if (until !== undefined && at > until) return
    count = at === nanos ? count + 1 : 1
    nanos = at
    const here: Place = { nanos, count }
    if (isAfter(here, place)) yield { place: here, body: toEvent(answer) }
  }
}

/** Whether some of what came after `place` is kept no more: as much has come since as the daemon keeps. */
async function isForgotten(context: EventContext, place: Place, now: number, { signal }: CallOptions): Promise<boolean> {
  const { keepsEvents } = context.dialect.containers
  if (keepsEvents === undefined || place.nanos >= now) return false
  let count = 0
  for await (const _ of answered(context, place, now, { signal })) if ((count += 1) >= keepsEvents) return true
  return false
}

/** Whether the daemon still has the event that was seen last: then none is missing after it. One that was restarted has forgotten all. */
async function remembers(context: EventContext, place: Place, { signal }: CallOptions): Promise<boolean> {
  const before: Place = { nanos: place.nanos, count: place.count - 1 }
  const now = await daemonNow(context, { signal })
  for await (const { place: first } of answered(context, before, Math.max(now, place.nanos + overlapNanos), { signal }))
    return first.nanos === place.nanos && first.count === place.count
  return false
}

async function untilItAnswers(context: EventContext, { signal }: CallOptions): Promise<void> {
  for (let pauseMs = shortestMs; ; pauseMs = Math.min(pauseMs * 2, longestMs)) {
    await sleep(pauseMs, signal)
    if (await answers(context, { signal })) return
  }
}
async function answers(context: EventContext, { signal }: CallOptions): Promise<boolean> {
  try {
    await context.calls.json('GET', '/version', { signal })
    return true
  } catch (error) {
    if (!isEngineError(error, 'unavailable') || !error.retryable) throw error
    return false
  }
}

/** In nanoseconds by the daemon's clock, or by ours where it does not tell. */
export async function daemonNow({ calls }: Pick<HttpContext, 'calls'>, { signal }: CallOptions): Promise<number> {
  const info = await calls.json('GET', '/info', { signal })
  const text = typeof info === 'object' && info !== null && 'SystemTime' in info ? info.SystemTime : undefined
  return (typeof text === 'string' ? nanosOfText(text) : undefined) ?? Date.now() * 1e6
}
/** RFC 3339 with up to nine digits of a second. */
function nanosOfText(text: string): number | undefined {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) return undefined
  const fraction = (/\.(\d{1,9})/.exec(text)?.[1] ?? '').padEnd(9, '0')
  return Number(BigInt(Math.floor(ms / 1_000)) * 1_000_000_000n + BigInt(fraction))
}

export async function eventCursor(context: Pick<HttpContext, 'calls'>, options: CallOptions = {}): Promise<Cursor> {
  return formatCursor(newPlace(await daemonNow(context, options), true))
}

function isWanted({ type, action, subject, attributes }: EventBody, { types, actions, subjects, labels }: EventsOptions): boolean {
  return (
    (types === undefined || (type !== 'gap' && types.includes(type))) &&
    (actions === undefined || actions.includes(action)) &&
    (subjects === undefined || subjects.includes(subject.id) || (subject.name !== undefined && subjects.includes(subject.name))) &&
    Object.entries(labels ?? {}).every(([name, value]) => attributes[name] === value)
  )
}

function gap({ facts }: EventContext, cursor: Cursor): EngineEvent {
  const id = facts.info['ID']
  const subject = { kind: 'engine', id: typeof id === 'string' ? id : 'daemon' } as const
  return { cursor, type: 'gap', action: 'gap', subject, time: new Date(), attributes: {} }
}
