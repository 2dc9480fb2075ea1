import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { linkedSignal, raceAbort, sleep, within } from '../../../src/util/abort.js'

const never = (): Promise<never> => new Promise(() => {})

it('raceAbort rejects with the reason itself and leaves no listener', async () => {
  const abort = new AbortController()
  const reason = { any: 'thing' }
  const racing = raceAbort(never(), abort.signal)
  abort.abort(reason)
  await expect(racing).rejects.toBe(reason)
  await expect(raceAbort(never(), abort.signal)).rejects.toBe(reason)
  const other = new AbortController()
  expect(await raceAbort(Promise.resolve(3), other.signal)).toBe(3)
  await Promise.resolve()
  expect(getEventListeners(other.signal, 'abort')).toHaveLength(0)
})

it('sleep ends early by an abort, at once by an earlier one, and leaves no listener', async () => {
  const abort = new AbortController()
  await sleep(1, abort.signal)
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
  const sleeping = sleep(3_600_000, abort.signal)
  abort.abort(new Error('enough'))
  await expect(sleeping).rejects.toThrow('enough')
  await expect(sleep(3_600_000, abort.signal)).rejects.toThrow('enough')
})

it('within resolves undefined after its time, tells the work, and swallows what the work then throws', async () => {
  let told: unknown
  const result = await within(5, ({ signal }) => {
    return new Promise((_, reject) => {
      signal?.addEventListener('abort', () => {
        told = signal.reason
        reject(new Error('late'))
      })
    })
  })
  expect(result).toBeUndefined()
  expect(told).toMatchObject({ name: 'TimeoutError' })
})

it('within passes on results, errors and the abort of the caller', async () => {
  const abort = new AbortController()
  expect(await within(3_600_000, async () => 7, { signal: abort.signal })).toBe(7)
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
  await expect(
    within(3_600_000, () => {
      throw new Error('its own')
    }),
  ).rejects.toThrow('its own')
  let inner: AbortSignal | undefined
  const waiting = within(
    3_600_000,
    ({ signal }) => {
      inner = signal
      return never()
    },
    { signal: abort.signal },
  )
  abort.abort(new Error('caller'))
  await expect(waiting).rejects.toThrow('caller')
  expect(inner?.aborted).toBe(true)
})

it('a linked signal lets go of the one it follows', () => {
  const abort = new AbortController()
  {
    using linked = linkedSignal(abort.signal)
    expect(linked.signal.aborted).toBe(false)
  }
  expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0)
  abort.abort(1)
  using late = linkedSignal(abort.signal)
  expect(late.signal.reason).toBe(1)
})
