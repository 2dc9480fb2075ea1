import { PassThrough, Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { Engine } from '../../../src/api/engine.js'
import type { ImageInfo } from '../../../src/model/image.js'
import { collect, each, fakeBackend } from './fake-backend.js'

const info: ImageInfo = { id: 'sha256:11', names: ['a:1'], platform: 'linux/amd64', sizeBytes: 1, layers: [], config: {}, usedBy: [] }

describe('images', () => {
  it('pull gives a handle with what was pulled', async () => {
    const { backend, args } = fakeBackend({ images: { pull: async () => info } })
    const image = await new Engine(backend).images.pull('a:1', { platform: 'linux/amd64' })
    expect([image.id, image.info]).toEqual(['sha256:11', info])
    expect(args('images.pull')).toMatchObject(['a:1', { platform: 'linux/amd64' }])
  })
  it('load takes a Node stream', async () => {
    const { backend } = fakeBackend({ images: { load: async (tar) => [{ ...info, names: [(await buffer(tar)).toString()] }] } })
    const loaded = await new Engine(backend).images.load(Readable.from([Buffer.from('x')], { objectMode: false }))
    expect(loaded.map((image) => image.info.names)).toEqual([['x']])
  })
  it.each(['app.tar', Buffer.from('x'), undefined])('load refuses %j, which is no stream', async (archive) => {
    const { backend, calls } = fakeBackend({})
    await expect(new Engine(backend).images.load(archive as never)).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(calls).toEqual([])
  })
  it('save of an image writes it to the end of a Node stream', async () => {
    const { backend, args } = fakeBackend({ images: { get: async () => info, save: () => each(Buffer.from('a'), Buffer.from('b')) } })
    const target = new PassThrough()
    const whole = buffer(target)
    await (await new Engine(backend).images.get('a:1')).save(target, { format: 'docker' })
    expect((await whole).toString()).toBe('ab')
    expect(args('images.save')).toEqual([['sha256:11'], { format: 'docker' }])
  })
  it('save rejects with the reason of an abort while the stream is full, and destroys it', async () => {
    const { backend } = fakeBackend({ images: { get: async () => info, save: () => each(Buffer.from('a'), Buffer.from('b')) } })
    const abort = new AbortController()
    const full = new Writable({ highWaterMark: 1, write: () => abort.abort(new Error('enough')) })
    const image = await new Engine(backend).images.get('a:1')
    await expect(image.save(full, { signal: abort.signal })).rejects.toThrow('enough')
    expect(full.destroyed).toBe(true)
  })
  it('list refuses an option that it does not know', async () => {
    const engine = new Engine(fakeBackend({}).backend)
    // @ts-expect-error no such option
    await expect(collect(engine.images.list({ all: true }))).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})
