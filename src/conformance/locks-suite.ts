import assert from 'node:assert/strict'
import type { Locks } from '../ports/engine/locks.js'
import { type Case, defineSuite, type Implementation, type TestApi } from './suite.js'

/** Two views of one root, as two processes have them. */
export interface LocksSubject {
  readonly mine: Locks
  readonly theirs: Locks
}

const cases: readonly Case<LocksSubject, never>[] = [
  {
    title: 'acquire waits until the other process has closed the lock',
    async run({ mine, theirs }) {
      const order: string[] = []
      const held = await mine.acquire('k')
      const waiting = theirs.acquire('k').then((lock) => {
        order.push('theirs')
        return lock
      })
      await (await theirs.acquire('another')).close()
      order.push('mine closes')
      await held.close()
      await (await waiting).close()
      assert.deepEqual(order, ['mine closes', 'theirs'])
    },
  },
  {
    title: 'the same process waits for itself',
    async run({ mine }) {
      const order: string[] = []
      const held = await mine.acquire('k')
      const again = mine.acquire('k').then((lock) => {
        order.push('again')
        return lock
      })
      await (await mine.acquire('another')).close()
      order.push('closes')
      await held.close()
      await (await again).close()
      assert.deepEqual(order, ['closes', 'again'])
    },
  },
  {
    title: 'an aborted acquire rejects with the reason and holds nothing',
    async run({ mine, theirs }) {
      const held = await mine.acquire('k')
      const abort = new AbortController()
      const waiting = [theirs.acquire('k', { signal: abort.signal }), mine.acquire('k', { signal: abort.signal })]
      abort.abort(new Error('enough'))
      for (const one of waiting) await assert.rejects(one, { message: 'enough' })
      await assert.rejects(mine.acquire('other', { signal: abort.signal }), { message: 'enough' })
      await assert.rejects(mine.tryAcquire('other', { signal: abort.signal }), { message: 'enough' })
      await held.close()
      for (const key of ['k', 'other']) await (await mine.acquire(key)).close()
    },
  },
  {
    title: 'closing a lock twice frees it once',
    async run({ mine, theirs }) {
      const first = await mine.acquire('k')
      await Promise.all([first.close(), first.close()])
      const second = await theirs.acquire('k')
      await first.close()
      assert.equal(await mine.tryAcquire('k'), undefined)
      await second.close()
    },
  },
  {
    title: 'tryAcquire answers undefined while anybody holds the lock, and holds it when nobody does',
    async run({ mine, theirs }) {
      const held = await mine.tryAcquire('k')
      assert.notEqual(held, undefined)
      assert.equal(await theirs.tryAcquire('k'), undefined)
      assert.equal(await mine.tryAcquire('k'), undefined)
      await held?.close()
      const next = await theirs.tryAcquire('k')
      assert.notEqual(next, undefined)
      assert.equal(await mine.tryAcquire('k'), undefined)
      await next?.close()
    },
  },
  {
    title: 'keys of any letters are apart',
    async run({ mine, theirs }) {
      const keys = ['a/b', 'a', 'a%2Fb', '.', '..', '.break', 'ü', 'x'.repeat(300), 'x'.repeat(301), 'lead/a', 'a b']
      const held = await Promise.all(keys.map((key) => mine.tryAcquire(key)))
      assert.equal(held.includes(undefined), false)
      for (const key of keys) assert.equal(await theirs.tryAcquire(key), undefined, key)
      await Promise.all(held.map((lock) => lock?.close()))
    },
  },
  {
    title: 'of many who want one lock, each has it alone',
    async run({ mine, theirs }) {
      let inside = 0
      const worker = async (locks: Locks): Promise<void> => {
        for (let round = 0; round < 10; round += 1) {
          await using _lock = await locks.acquire('k')
          inside += 1
          assert.equal(inside, 1)
          await new Promise((resolve) => setImmediate(resolve))
          inside -= 1
        }
      }
      await Promise.all([mine, theirs, mine, theirs].map(worker))
    },
  },
  {
    title: 'lead hands over when the work of the first has ended, well or not',
    async run({ mine, theirs }) {
      const order: string[] = []
      let second: Promise<void> | undefined
      const first = mine.lead('k', async () => {
        order.push('a')
        second = theirs.lead('k', async () => {
          order.push('b')
        })
        await (await mine.acquire('another')).close()
        order.push('a ends')
        throw new Error('its own')
      })
      await assert.rejects(first, { message: 'its own' })
      await second
      assert.deepEqual(order, ['a', 'a ends', 'b'])
    },
  },
  {
    title: 'the work of a leader is told of the abort and leads until it ends',
    async run({ mine, theirs }) {
      const abort = new AbortController()
      await mine.lead(
        'k',
        async (signal) => {
          abort.abort(new Error('enough'))
          assert.equal(signal.aborted, true)
          await assert.rejects(
            theirs.lead('k', async () => assert.fail('two leaders'), { signal }),
            { message: 'enough' },
          )
        },
        { signal: abort.signal },
      )
    },
  },
]

export function locksSuite(implementation: Implementation<LocksSubject, never>, api: TestApi): void {
  defineSuite('Locks', cases, implementation, api)
}
