import { describe, expect, it } from 'vitest'
import { Engine } from '../../../src/api/engine.js'
import { EngineError } from '../../../src/errors.js'
import { fakeBackend } from './fake-backend.js'

const lacking = new EngineError('not_found', 'no image "a:1"', { subject: { kind: 'image', id: 'a:1' } })
const engineThat = (error: EngineError): Engine =>
  new Engine(
    fakeBackend({
      containers: {
        create: async () => {
          throw error
        },
      },
    }).backend,
  )

describe('create', () => {
  it('says what helps where the image is not here and nothing was said of pulling it', async () => {
    const { containers } = engineThat(lacking)
    for (const creating of [containers.create({ image: 'a:1' }), containers.createOwned({ image: 'a:1' })])
      await expect(creating).rejects.toMatchObject({
        code: 'not_found',
        message: `no image "a:1": pull it first, or say pull: 'missing'`,
        subject: { kind: 'image', id: 'a:1' },
        cause: lacking,
      })
  })
  it('leaves other errors as they are', async () => {
    await expect(engineThat(lacking).containers.create({ image: 'a:1', pull: 'never' })).rejects.toBe(lacking)
    const taken = new EngineError('already_exists', 'taken')
    await expect(engineThat(taken).containers.create({ image: 'a:1' })).rejects.toBe(taken)
  })
})
