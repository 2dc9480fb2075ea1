import { expect, it } from 'vitest'
import { KeyedMutex } from '../../../src/util/keyed-mutex.js'

it('holders of one key follow each other in the order of asking; other keys are free', async () => {
  const mutex = new KeyedMutex()
  const order: number[] = []
  const first = await mutex.acquire('k')
  const rest = [1, 2, 3].map(async (n) => {
    using _held = await mutex.acquire('k')
    order.push(n)
    await Promise.resolve()
    order.push(-n)
  })
  using _other = await mutex.acquire('other')
  expect(order).toEqual([])
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  await Promise.all(rest)
  expect(order).toEqual([1, -1, 2, -2, 3, -3])
  expect(mutex.tryAcquire('k')).toBeDefined()
})

it('an aborted waiter leaves the queue, and the next one gets the key', async () => {
  const mutex = new KeyedMutex()
  const first = await mutex.acquire('k')
  const abort = new AbortController()
  const leaving = mutex.acquire('k', { signal: abort.signal })
  const next = mutex.acquire('k')
  abort.abort(new Error('enough'))
  await expect(leaving).rejects.toThrow('enough')
  await expect(mutex.acquire('k', { signal: abort.signal })).rejects.toThrow('enough')
  expect(mutex.tryAcquire('k')).toBeUndefined()
  first[Symbol.dispose]()
  ;(await next)[Symbol.dispose]()
  expect(mutex.tryAcquire('k')).toBeDefined()
})
