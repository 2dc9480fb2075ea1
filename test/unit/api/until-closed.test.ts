import { describe, expect, it } from 'vitest'
import { Engine } from '../../../src/api/engine.js'
import type { CallOptions } from '../../../src/model/common.js'
import { fakeBackend } from './fake-backend.js'

const closed = { code: 'failed_precondition', message: 'the engine is closed' }
const spec = { image: 'a:1' }
const readAll = async (open: () => AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of open());
}

describe('a closed engine', () => {
  it('refuses whatever is called on it or on a handle that it gave, and asks its backend nothing', async () => {
    const { backend, names } = fakeBackend({ containers: { create: async () => 'c1' } })
    const engine = new Engine(backend)
    const container = await engine.containers.create(spec)
    await engine.close()
    const before = names().length
    for (const call of [
      () => engine.containers.run(spec),
      () => engine.containers.find('c1'),
      () => engine.containers.list().next(),
      () => engine.images.pull('a:1'),
      () => engine.networks.get('n'),
      () => engine.volumes.get('v'),
      () => engine.check(),
      () => engine.cursor(),
      () => container.start(),
      () => container.files.stat('/etc'),
      () => container.exec(['true']),
    ])
      await expect(call(), String(call)).rejects.toMatchObject(closed)
    for (const stream of [() => engine.events(), () => engine.images.save(['a:1']), () => container.logs()])
      await expect(readAll(stream), String(stream)).rejects.toMatchObject(closed)
    expect(names()).toHaveLength(before)
  })
  it('has cut off what was being made, and closes its backend when that is undone', async () => {
    const told: string[] = []
    const make = async (_: unknown, { signal }: CallOptions = {}): Promise<never> => {
      await new Promise((resolve) => signal?.addEventListener('abort', resolve))
      await new Promise((resolve) => setTimeout(resolve, 20))
      told.push('undone')
      throw signal?.reason
    }
    const { backend } = fakeBackend({ containers: { create: make }, images: { pull: make, load: make } })
    const engine = new Engine({
      ...backend,
      close: async () => {
        told.push('closed')
      },
    })
    const underway = [
      engine.containers.run(spec),
      engine.containers.createOwned(spec),
      engine.images.pull('a:1'),
      engine.images.load(
        (async function* () {
          yield Buffer.alloc(0)
        })(),
      ),
    ]
    const ended = Promise.all(underway.map((one) => expect(one).rejects.toMatchObject(closed)))
    await engine.close()
    expect(told).toEqual(['undone', 'undone', 'undone', 'undone', 'closed'])
    await ended
  })
  it('has told those who waited, whatever becomes of what they waited for', async () => {
    const never = (): Promise<never> => new Promise(() => {})
    const endless = () => ({ [Symbol.asyncIterator]: () => ({ next: never }) })
    const { backend } = fakeBackend({
      containers: { create: async () => 'c1', wait: never },
      streams: { logs: endless },
      system: { events: endless },
    })
    const engine = new Engine(backend)
    const container = await engine.containers.create(spec)
    const waiting = [container.wait(), readAll(() => engine.events()), readAll(() => container.logs())]
    const told = Promise.all(waiting.map((one) => expect(one).rejects.toMatchObject(closed)))
    await engine.close()
    await told
  })
  it('leaves the abort of a caller its own reason', async () => {
    const { backend } = fakeBackend({
      images: {
        pull: (_, { signal } = {}) =>
          new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error))),
      },
    })
    const engine = new Engine(backend)
    const abort = new AbortController()
    const pulling = engine.images.pull('a:1', { signal: abort.signal })
    abort.abort('enough')
    await expect(pulling).rejects.toBe('enough')
    await engine.close()
  })
})
