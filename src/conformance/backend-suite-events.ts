// What of the history is told to whoever asks for a part of it.
import assert from 'node:assert/strict'
import { isEngineError } from '../errors.js'
import type { EngineEvent } from '../model/event.js'
import type { EventsOptions } from '../ports/backend/system.js'
import { sleep } from '../util/abort.js'
import { type BackendCase, type BackendSubject, forever, uniqueImage, uniqueName, withContainer } from './backend-suite-subject.js'
import { collect } from './suite.js'

const told = ({ backend: { system } }: BackendSubject, options: EventsOptions): Promise<readonly EngineEvent[]> =>
  collect(system.events({ follow: false, ...options }))
const about = (events: readonly EngineEvent[]): readonly string[] => events.map(({ action, subject }) => `${action} ${subject.id}`)

export const eventCases: readonly BackendCase[] = [
  {
    title: 'events are chosen by labels, by subjects and by actions, and by all of these together',
    async run(subject) {
      const { system, containers } = subject.backend
      const since = await system.cursor()
      const [label, name] = [uniqueName('label'), uniqueName()]
      await withContainer(subject, forever, { name, labels: { [label]: 'a', side: 'left' } }, async (one) => {
        await withContainer(subject, forever, { labels: { [label]: 'b', side: 'left' } }, async (other) => {
          await containers.start(one)
          await containers.start(other)
          const of = async (options: EventsOptions) => about(await told(subject, { since, actions: ['create', 'start'], ...options }))
          const lifeOf = (id: string): readonly string[] => [`create ${id}`, `start ${id}`]
          assert.deepEqual(await of({}), [`create ${one}`, `create ${other}`, `start ${one}`, `start ${other}`])
          assert.deepEqual(await of({ labels: { [label]: 'a' } }), lifeOf(one))
          assert.deepEqual(await of({ labels: { [label]: 'b', side: 'left' } }), lifeOf(other))
          assert.deepEqual(await of({ labels: { [label]: 'b', side: 'right' } }), [])
          assert.deepEqual(await of({ subjects: [other] }), lifeOf(other))
          assert.deepEqual(await of({ subjects: [name] }), lifeOf(one))
          assert.deepEqual(await of({ subjects: [name, other], actions: ['start'] }), [`start ${one}`, `start ${other}`])
          assert.deepEqual(await of({ subjects: [name], labels: { [label]: 'b' } }), [])
          assert.deepEqual(await of({ subjects: [uniqueName()] }), [])
        })
      })
    },
  },
  {
    title: 'events are chosen by the type of what they are about',
    place: 'image_events',
    async run(subject) {
      const { system, images } = subject.backend
      const since = await system.cursor()
      const name = uniqueImage()
      await withContainer(subject, forever, {}, async (id) => {
        await images.tag(subject.image, name)
        await images.remove(name)
        const containers = await told(subject, { since, types: ['container'] })
        assert.deepEqual(about(containers), [`create ${id}`])
        const ofImages = await told(subject, { since, types: ['image'] })
        assert(ofImages.length > 0 && ofImages.every(({ type, subject: { kind } }) => type === 'image' && kind === 'image'))
        const both = await told(subject, { since, types: ['container', 'image'] })
        assert.deepEqual([...both].sort(byCursor), [...containers, ...ofImages].sort(byCursor))
        assert.deepEqual(await told(subject, { since, types: ['volume'] }), [])
      })
    },
  },
  {
    title: 'events since a time are those from then on, and those since a cursor are those behind it',
    async run(subject) {
      const { system } = subject.backend
      const since = await system.cursor()
      await withContainer(subject, forever, {}, async (one) => {
        // A moment that is between both to the millisecond.
        await sleep(20)
        const between = new Date()
        await sleep(20)
        await withContainer(subject, forever, {}, async (other) => {
          const actions = ['create']
          assert.deepEqual(about(await told(subject, { since: between, actions })), [`create ${other}`])
          const all = await told(subject, { since, actions })
          assert.deepEqual(about(all), [`create ${one}`, `create ${other}`])
          assert.deepEqual(about(await told(subject, { since: all[0]?.cursor, actions })), [`create ${other}`])
          assert.deepEqual(await told(subject, { since: all[1]?.cursor, actions }), [])
        })
      })
    },
  },
  {
    title: 'a cursor that is none of this backend is invalid_argument, or what is kept comes behind a gap',
    async run(subject) {
      await withContainer(subject, forever, {}, async () => {
        for (const since of ['', 'nonsense', '-1', '../etc']) {
          const [first] = await told(subject, { since }).catch((error: unknown) => {
            assert(isEngineError(error, 'invalid_argument'), `"${since}": ${String(error)}`)
            return [undefined]
          })
          assert(first === undefined || first.type === 'gap', `"${since}": ${JSON.stringify(first)}`)
        }
      })
    },
  },
]

function byCursor(one: EngineEvent, other: EngineEvent): number {
  return one.cursor < other.cursor ? -1 : 1
}
