import assert from 'node:assert/strict'
import { isEngineError } from '../errors.js'
import type { RecordStore, Stored } from '../ports/engine/records.js'
import { type Case, collect, defineSuite, type Implementation, type TestApi } from './suite.js'

/** What the suite stores: implementations under test keep dates as dates. */
export interface SampleRecord {
  readonly text: string
  readonly at: Date
  readonly optional?: string | undefined
}
/** Two views of one root, as two processes have them. */
export interface RecordsSubject {
  readonly mine: RecordStore<SampleRecord>
  readonly theirs: RecordStore<SampleRecord>
}

const at = new Date('2024-05-06T07:08:09.010Z')
const sample = (text: string): SampleRecord => ({ text, at })
const failsWith = (code: string) => (error: unknown) => isEngineError(error) && error.code === code

async function texts(store: RecordStore<SampleRecord>): Promise<string[]> {
  const found: string[] = []
  for await (const { value } of store.list()) found.push(value.text)
  return found.sort()
}

const cases: readonly Case<RecordsSubject, never>[] = [
  {
    title: 'a record that was created is found by the other process, dates included',
    async run({ mine, theirs }) {
      assert.equal(await mine.find('id'), undefined)
      assert.deepEqual(await texts(theirs), [])
      const created = await mine.create('id', sample('one'))
      const found = await theirs.find('id')
      assert.deepEqual(found, { value: sample('one'), revision: created.revision })
      assert.deepEqual(await texts(theirs), ['one'])
    },
  },
  {
    title: 'create throws already_exists for a taken id and leaves the record as it is',
    async run({ mine, theirs }) {
      await mine.create('id', sample('one'))
      await assert.rejects(theirs.create('id', sample('two')), failsWith('already_exists'))
      assert.equal((await mine.find('id'))?.value.text, 'one')
    },
  },
  {
    title: 'of two who create one id at once, one succeeds',
    async run({ mine, theirs }) {
      const results = await Promise.allSettled([mine, theirs, mine].map((store, n) => store.create('id', sample(String(n)))))
      const made = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      assert.equal(made.length, 1)
      assert.deepEqual(await mine.find('id'), made[0])
    },
  },
  {
    title: 'replace throws conflict when somebody has written since, and the other value stays',
    async run({ mine, theirs }) {
      const first = await mine.create('id', sample('one'))
      const second = await theirs.replace('id', first, sample('two'))
      await assert.rejects(mine.replace('id', first, sample('three')), failsWith('conflict'))
      assert.deepEqual(await mine.find('id'), second)
      assert.equal((await mine.replace('id', second, sample('four'))).value.text, 'four')
      assert.equal((await theirs.find('id'))?.value.text, 'four')
    },
  },
  {
    title: 'of many who replace one revision at once, one succeeds',
    async run({ mine, theirs }) {
      const first = await mine.create('id', sample('one'))
      const results = await Promise.allSettled(
        [mine, theirs, mine, theirs].map((store, n) => store.replace('id', first, sample(String(n)))),
      )
      const made = results.flatMap((result): Stored<SampleRecord>[] => (result.status === 'fulfilled' ? [result.value] : []))
      assert.equal(made.length, 1)
      assert.deepEqual(await theirs.find('id'), made[0])
      for (const result of results) if (result.status === 'rejected') assert.ok(failsWith('conflict')(result.reason))
    },
  },
  {
    title: 'replace throws not_found for a record that is gone, and conflict for one that was made anew with the same value',
    async run({ mine, theirs }) {
      const first = await mine.create('id', sample('one'))
      await theirs.delete('id')
      await assert.rejects(mine.replace('id', first, sample('two')), failsWith('not_found'))
      assert.equal(await mine.find('id'), undefined)
      await theirs.create('id', sample('one'))
      await assert.rejects(mine.replace('id', first, sample('two')), failsWith('conflict'))
    },
  },
  {
    title: 'delete of an absent record is success',
    async run({ mine, theirs }) {
      await mine.delete('id')
      await mine.create('id', sample('one'))
      await Promise.all([mine.delete('id'), theirs.delete('id')])
      assert.equal(await mine.find('id'), undefined)
      assert.deepEqual(await texts(mine), [])
    },
  },
  {
    title: 'ids of any letters are records of their own',
    async run({ mine, theirs }) {
      const ids = ['a', 'a/b', '../a', '.', '..', '.tmp', 'a.json', 'ü', 'A'.repeat(300), 'A'.repeat(301), 'lock%2F', ' ']
      for (const id of ids) await mine.create(id, sample(id))
      for (const id of ids) assert.equal((await theirs.find(id))?.value.text, id)
      assert.deepEqual(await texts(theirs), [...ids].sort())
      for (const id of ids) await theirs.delete(id)
      assert.deepEqual(await texts(mine), [])
    },
  },
  {
    title: 'list passes over what is deleted meanwhile',
    async run({ mine, theirs }) {
      for (let n = 0; n < 40; n += 1) await mine.create(String(n), sample(String(n)))
      let seen = 0
      for await (const _record of mine.list()) {
        seen += 1
        if (seen === 1) for (let n = 0; n < 40; n += 1) await theirs.delete(String(n))
      }
      assert.ok(seen >= 1 && seen <= 40)
      assert.deepEqual(await texts(mine), [])
    },
  },
  {
    title: 'an aborted call rejects with the reason and has changed nothing',
    async run({ mine }) {
      const first = await mine.create('id', sample('one'))
      const signal = AbortSignal.abort(new Error('enough'))
      await assert.rejects(mine.create('other', sample('two'), { signal }), { message: 'enough' })
      await assert.rejects(mine.replace('id', first, sample('two'), { signal }), { message: 'enough' })
      await assert.rejects(mine.delete('id', { signal }), { message: 'enough' })
      await assert.rejects(mine.find('id', { signal }), { message: 'enough' })
      await assert.rejects(collect(mine.list({ signal })), { message: 'enough' })
      assert.deepEqual(await texts(mine), ['one'])
    },
  },
]

export function recordsSuite(implementation: Implementation<RecordsSubject, never>, api: TestApi): void {
  defineSuite('RecordStore', cases, implementation, api)
}
