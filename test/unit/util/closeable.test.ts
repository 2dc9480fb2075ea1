import { expect, it } from 'vitest'
import { closeable } from '../../../src/util/closeable.js'

it('closing runs once, whichever way and however often it is asked', async () => {
  let times = 0
  {
    await using thing = closeable(async () => {
      times += 1
    })
    await Promise.all([thing.close(), thing.close()])
  }
  expect(times).toBe(1)
})
