import { expect, it, vi } from 'vitest'
import { thaw } from '../../../../../src/backends/host/tasks/thaw.js'

const refused = new Error('container not paused')
const refusing = () => vi.fn(() => Promise.reject(refused))

it('is done when it resumes, or when it is not paused any more', async () => {
  await thaw(
    () => Promise.resolve(),
    () => Promise.reject(new Error('is not asked')),
    {},
  )
  await thaw(refusing(), () => Promise.resolve(false), {})
})
it('asks again as long as it is still taken for paused', async () => {
  const answers = [true, true, false]
  const resume = refusing()
  await thaw(resume, () => Promise.resolve(answers.shift() ?? false), {})
  expect(resume).toHaveBeenCalledTimes(3)
})
it('throws what the runtime said when it stays paused, and the reason when it is aborted', async () => {
  vi.useFakeTimers()
  try {
    const stuck = thaw(refusing(), () => Promise.resolve(true), {})
    stuck.catch(() => {})
    await vi.runAllTimersAsync()
    await expect(stuck).rejects.toBe(refused)
  } finally {
    vi.useRealTimers()
  }
  await expect(thaw(refusing(), () => Promise.resolve(true), { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
})
