import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { patientSignal, unlessItHangs, unlessUndoHangs } from '../../../src/util/patient-abort.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})
const reason = new Error('enough')
const never = new Promise<never>(() => {})

it('an abort is passed on some time later, one that is to come at once immediately', () => {
  const abort = new AbortController()
  const closing = new AbortController()
  const late = patientSignal(abort.signal, { atOnce: closing.signal, ms: 100 })
  abort.abort(reason)
  vi.advanceTimersByTime(99)
  expect(late.signal.aborted).toBe(false)
  vi.advanceTimersByTime(1)
  expect(late.signal.reason).toBe(reason)

  const other = patientSignal(undefined, { atOnce: closing.signal })
  closing.abort('closed')
  expect(other.signal.reason).toBe('closed')
})

it('leaves no timer when it is let go', () => {
  {
    using _late = patientSignal(AbortSignal.abort(reason))
    expect(vi.getTimerCount()).toBe(1)
  }
  expect(vi.getTimerCount()).toBe(0)
})

it('work that undoes itself in time is waited for, and tells its own failure', async () => {
  const abort = new AbortController()
  const undoing = new Promise<never>((_, reject) => {
    setTimeout(() => {
      reject(new Error('undone'))
    }, 9_000)
  })
  const outcome = expect(unlessUndoHangs(undoing, abort.signal)).rejects.toThrow('undone')
  abort.abort(reason)
  await vi.advanceTimersByTimeAsync(9_000)
  await outcome
  expect(vi.getTimerCount()).toBe(0)
})

it('work that hangs in its undo rejects with the reason after ten seconds', async () => {
  const abort = new AbortController()
  const settled = vi.fn()
  const outcome = unlessUndoHangs(never, abort.signal)
  outcome.catch(settled)
  abort.abort(reason)
  await vi.advanceTimersByTimeAsync(9_999)
  expect(settled).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(settled).toHaveBeenCalledWith(reason)
})

it('an answer that does not come is cut off after five seconds', async () => {
  const abort = new AbortController()
  const asked = unlessItHangs(
    ({ signal }) => new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error))),
    {
      signal: abort.signal,
    },
  )
  const outcome = expect(asked).rejects.toBe(reason)
  abort.abort(reason)
  await vi.advanceTimersByTimeAsync(5_000)
  await outcome
})
