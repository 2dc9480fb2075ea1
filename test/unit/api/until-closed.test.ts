import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Engine } from '../../../src/api/engine.js'
import type { CallOptions } from '../../../src/model/common.js'
import type { ImageInfo } from '../../../src/model/image.js'
import type { Backend } from '../../../src/ports/backend/backend.js'
import { closeable } from '../../../src/util/closeable.js'
import { fakeBackend } from './fake-backend.js'

const info: ImageInfo = { id: 'sha256:11', names: ['a:1'], platform: 'linux/amd64', sizeBytes: 1, layers: [], config: {}, usedBy: [] }
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
  it('is what passed on all that its callers said while it was open', async () => {
    const { backend, args } = fakeBackend({ images: { push: async () => {}, pull: async () => info } })
    const engine = new Engine(backend)
    const onProgress = (): void => {}
    const image = await engine.images.pull('a:1', { onProgress })
    expect(args('images.pull')).toEqual(['a:1', { onProgress, signal: expect.any(AbortSignal) }])
    await image.push('registry.example/a:1', { onProgress })
    expect(args('images.push')).toEqual([expect.any(String), 'registry.example/a:1', { onProgress, signal: expect.any(AbortSignal) }])
    await engine.close()
  })
  it('took services that may not be changed', async () => {
    const { backend } = fakeBackend({})
    const images = Object.freeze({ pull: async () => info }) as unknown as Backend['images']
    await using engine = new Engine({ ...backend, images })
    expect((await engine.images.pull('a:1')).id).toBe(info.id)
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
  it('has told who reads the output of a process, which is not all there is', async () => {
    const said = { stream: 'stdout', bytes: Buffer.from('a') } as const
    const attachment = {
      async *output() {
        yield said
        await new Promise(() => {})
      },
    }
    const { backend, names } = fakeBackend({
      containers: { create: async () => 'c1' },
      streams: {
        attach: async () => ({
          ...{ output: attachment.output(), write: async () => {}, closeStdin: async () => {}, resize: async () => {} },
          ...closeable(async () => {}),
        }),
      },
    })
    const engine = new Engine(backend)
    const io = await (await engine.containers.create(spec)).attach()
    const read: unknown[] = []
    const reading = expect(
      (async () => {
        for await (const chunk of io.output) read.push(chunk)
      })(),
    ).rejects.toMatchObject(closed)
    await vi.waitFor(() => expect(read).toEqual([said]), { timeout: 10_000 })
    await engine.close()
    await reading
    await io.close()
    expect(names().at(-1)).toBe('close')
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

describe('an aborted call that hangs', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
  const never = (): Promise<never> => new Promise(() => {})

  it('rejects after ten seconds, whatever it is', async () => {
    const endless = () => ({ [Symbol.asyncIterator]: () => ({ next: never }) })
    const { backend } = fakeBackend({
      containers: { create: async () => 'c1', start: never, stop: never, remove: never },
      images: { pull: never, save: endless },
      execs: { create: never },
    })
    const engine = new Engine(backend)
    const container = await engine.containers.create(spec)
    const abort = new AbortController()
    const options = { signal: abort.signal }
    const settled = vi.fn()
    const calls = [
      engine.containers.run(spec, options),
      engine.images.pull('a:1', options),
      container.start(options),
      container.stop(options),
      container.exec(['true'], options),
      readAll(() => engine.images.save(['a:1'], options)),
    ].map((call) => call.catch(settled))
    await vi.advanceTimersByTimeAsync(60_000)
    abort.abort('enough')
    await vi.advanceTimersByTimeAsync(9_999)
    expect(settled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await Promise.all(calls)
    expect(settled.mock.calls).toEqual(calls.map(() => ['enough']))
  })
  it('has its streams closed when they come later', async () => {
    const close = vi.fn(async () => {})
    const { backend } = fakeBackend({
      containers: { create: async () => 'c1' },
      streams: {
        attach: () =>
          new Promise((resolve) => {
            const output = (async function* () {})()
            const io = { output, write: async () => {}, closeStdin: async () => {}, resize: async () => {}, ...closeable(close) }
            setTimeout(() => {
              resolve(io)
            }, 11_000)
          }),
      },
    })
    const container = await new Engine(backend).containers.create(spec)
    const outcome = expect(container.attach({ signal: AbortSignal.abort('enough') })).rejects.toBe('enough')
    await vi.advanceTimersByTimeAsync(10_000)
    await outcome
    expect(close).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(close).toHaveBeenCalledOnce()
  })
  it('holds the closing up no longer than that', async () => {
    const { backend, names } = fakeBackend({ images: { pull: never } })
    const engine = new Engine(backend)
    const pulling = engine.images.pull('a:1')
    pulling.catch(() => {})
    const closing = engine.close()
    await vi.advanceTimersByTimeAsync(9_999)
    expect(names()).not.toContain('close')
    await vi.advanceTimersByTimeAsync(1)
    await closing
    expect(names()).toContain('close')
  })
})
