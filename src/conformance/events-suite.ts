import assert from 'node:assert/strict'
import type { EngineEvent } from '../model/event.js'
import type { EventLog } from '../ports/engine/events.js'
import { type Case, collect, defineSuite, type Implementation, type TestApi } from './suite.js'

/** Two views of one root, as two processes have them. */
export interface EventsSubject {
  readonly mine: EventLog
  readonly theirs: EventLog
  /** After so many appends the first event is not kept. Small, so that a case can do it twice. */
  readonly overflow: number
}

const at = new Date('2024-05-06T07:08:09.010Z')
function event(id: string): Omit<EngineEvent, 'cursor'> {
  return { type: 'container', action: 'start', subject: { kind: 'container', id, name: 'web\n1' }, time: at, attributes: { key: 'välue' } }
}
const ids = (events: readonly EngineEvent[]): string[] => events.map(({ type, subject }) => (type === 'gap' ? 'gap' : subject.id))

async function appendMany(log: EventLog, from: number, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, n) => String(from + n))
  for (const name of names) await log.append(`key ${name}`, event(name))
  return names
}
/** Reads until `enough`, then stops as a user does. */
async function readUntil(
  log: EventLog,
  since: string | undefined,
  enough: (seen: readonly EngineEvent[]) => boolean,
): Promise<EngineEvent[]> {
  const seen: EngineEvent[] = []
  if (enough(seen)) return seen
  for await (const one of log.read({ since, follow: true })) {
    seen.push(one)
    if (enough(seen)) break
  }
  return seen
}

const cases: readonly Case<EventsSubject, never>[] = [
  {
    title: 'both processes read all events in the order of appending, with all that they say',
    async run({ mine, theirs }) {
      assert.deepEqual(await collect(mine.read()), [])
      const cursors = [await mine.append('a', event('1')), await theirs.append('b', event('2')), await mine.append('c', event('3'))]
      const expected = cursors.map((cursor, n) => ({ ...event(String(n + 1)), cursor }))
      assert.deepEqual(await collect(theirs.read()), expected)
      assert.deepEqual(await collect(mine.read()), expected)
    },
  },
  {
    title: 'two appends of one key are one event, whichever process makes them',
    async run({ mine, theirs }) {
      const first = await mine.append('exit', event('1'))
      assert.equal(await mine.append('exit', event('again')), first)
      assert.equal(await theirs.append('exit', event('again')), first)
      const both = await Promise.all([mine, theirs, mine, theirs].map((log) => log.append('other', event('2'))))
      assert.equal(new Set(both).size, 1)
      assert.deepEqual(ids(await collect(theirs.read())), ['1', '2'])
    },
  },
  {
    title: 'read begins after the cursor it is given',
    async run({ mine, theirs }) {
      const cursor = await mine.append('a', event('1'))
      await mine.append('b', event('2'))
      assert.deepEqual(ids(await collect(theirs.read({ since: cursor }))), ['2'])
      assert.deepEqual(await collect(theirs.read({ since: await mine.end() })), [])
    },
  },
  {
    title: 'the end of an empty log is before its first event, the end of another its newest event',
    async run({ mine, theirs }) {
      const start = await mine.end()
      const cursor = await theirs.append('a', event('1'))
      assert.deepEqual(ids(await collect(mine.read({ since: start }))), ['1'])
      assert.equal(await mine.end(), cursor)
      assert.equal(await theirs.end(), cursor)
    },
  },
  {
    title: 'a cursor that never was one gives a gap, then the oldest',
    async run({ mine }) {
      for (const since of ['', 'x', '1e9', '-1', '0.5', '00000001-00000000.7', '../x']) {
        assert.deepEqual(ids(await collect(mine.read({ since }))), ['gap'], since)
      }
      await mine.append('a', event('1'))
      const events = await collect(mine.read({ since: 'x' }))
      assert.deepEqual(ids(events), ['gap', '1'])
      const [gap] = events
      assert.equal(gap?.action, 'gap')
      assert.equal(gap?.subject.kind, 'engine')
      assert.deepEqual(ids(await collect(mine.read({ since: gap?.cursor }))), ['1'])
    },
  },
  {
    title: 'a cursor that is no longer kept gives one gap, then all that is',
    async run({ mine, theirs, overflow }) {
      const cursor = await mine.append('first', event('first'))
      const names = await appendMany(mine, 0, overflow)
      const [gap, ...rest] = ids(await collect(theirs.read({ since: cursor })))
      assert.equal(gap, 'gap')
      assert.ok(rest.length > 0)
      assert.deepEqual(rest, names.slice(-rest.length))
      assert.deepEqual(ids(await collect(theirs.read())), rest)
    },
  },
  {
    title: 'following brings what any process appends, in order, none twice',
    async run({ mine, theirs, overflow }) {
      const start = await mine.end()
      const reading = readUntil(mine, start, (seen) => seen.length === overflow)
      const half = Math.ceil(overflow / 2)
      const names = [...(await appendMany(theirs, 0, half)), ...(await appendMany(mine, half, overflow - half))]
      const seen = ids(await reading)
      // All is kept while it is followed, or a gap says so.
      assert.deepEqual(
        seen.filter((id) => id !== 'gap'),
        names.filter((name) => seen.includes(name)),
      )
      assert.ok(seen.includes('gap') || seen.length === names.length)
    },
  },
  {
    title: 'a follower that falls behind what is kept gets one gap and goes on with the oldest',
    async run({ mine, theirs, overflow }) {
      await mine.append('first', event('first'))
      const reader = mine.read({ follow: true })[Symbol.asyncIterator]()
      assert.equal((await reader.next()).value?.subject.id, 'first')
      const names = await appendMany(theirs, 0, 2 * overflow)
      const seen: EngineEvent[] = []
      while (seen.at(-1)?.subject.id !== names.at(-1)) seen.push((await reader.next()).value as EngineEvent)
      await reader.return?.()
      const found = ids(seen)
      assert.equal(found.filter((id) => id === 'gap').length, 1)
      const after = found.slice(found.indexOf('gap') + 1)
      assert.deepEqual(after, names.slice(-after.length))
      assert.equal(new Set(found).size, found.length)
    },
  },
  {
    title: 'an aborted call rejects with the reason, a waiting follower too',
    async run({ mine, theirs }) {
      const abort = new AbortController()
      const cursor = await mine.append('a', event('1'))
      const reader = theirs.read({ since: cursor, follow: true, signal: abort.signal })[Symbol.asyncIterator]()
      const waiting = reader.next()
      abort.abort(new Error('enough'))
      await assert.rejects(waiting, { message: 'enough' })
      await assert.rejects(mine.append('b', event('2'), { signal: abort.signal }), { message: 'enough' })
      await assert.rejects(mine.end({ signal: abort.signal }), { message: 'enough' })
      await assert.rejects(collect(mine.read({ signal: abort.signal })), { message: 'enough' })
      assert.deepEqual(ids(await collect(mine.read())), ['1'])
    },
  },
]

export function eventsSuite(implementation: Implementation<EventsSubject, never>, api: TestApi): void {
  defineSuite('EventLog', cases, implementation, api)
}
