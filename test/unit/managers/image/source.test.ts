import { expect, it } from 'vitest'
import { memoryRoot } from '../../../setup/memory-backend.js'

it('a container whose image is not here is told so where the pull fails, and of a pull that was asked for only why it failed', async () => {
  await using root = await memoryRoot()
  await using backend = await root.open()
  // Nobody answers there.
  const image = '127.0.0.1:1/team/app:1'
  const failing = (pull: 'missing' | 'always') => expect(backend.containers.create({ image, pull })).rejects
  await failing('missing').toMatchObject({ code: 'unavailable', message: expect.stringContaining(`image "${image}" is not here`) })
  await failing('always').toMatchObject({ code: 'unavailable', message: expect.not.stringContaining('is not here') })
})
