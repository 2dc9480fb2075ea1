import { describe, expect, it } from 'vitest'
import { Engine } from '../../../src/api/engine.js'
import { EngineError } from '../../../src/errors.js'
import type { EngineEvent } from '../../../src/model/event.js'
import type { Backend } from '../../../src/ports/backend/backend.js'
import type { EventsOptions } from '../../../src/ports/backend/system.js'
import { type Fake, fakeBackend } from './fake-backend.js'

const event = (cursor: string, action: string, type: EngineEvent['type'] = 'container'): EngineEvent => ({
  cursor,
  type,
  action,
  subject: { kind: 'container', id: 'c1' },
  time: new Date(0),
  attributes: {},
})

/** Its streams tell what a test says, until they are aborted or broken. */
class Streams {
  readonly opened: EventsOptions[] = []
  readonly fake: Fake
  #queue: EngineEvent[] = []
  #more: () => void = () => {}
  #broken: unknown
  #waiting: (() => void)[] = []

  constructor() {
    this.fake = fakeBackend({ system: { cursor: async () => '0', events: (options) => this.#read(options ?? {}) } })
  }
  tell(...events: readonly EngineEvent[]): void {
    this.#queue.push(...events)
    this.#more()
  }
  break(error: unknown): void {
    this.#broken = error
    this.#more()
  }
  /** Resolves when the `count`th stream is open. */
  async open(count: number): Promise<void> {
    while (this.opened.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
  async *#read(options: EventsOptions): AsyncGenerator<EngineEvent> {
    this.opened.push(options)
    for (const resolve of this.#waiting.splice(0)) resolve()
    options.signal?.addEventListener('abort', () => this.#more())
    for (;;) {
      options.signal?.throwIfAborted()
      const next = this.#queue.shift()
      if (next !== undefined) yield next
      else if (this.#broken !== undefined) {
        const error = this.#broken
        this.#broken = undefined
        throw error
      } else await new Promise<void>((resolve) => (this.#more = resolve))
    }
  }
}

describe('an engine', () => {
  it('closes its backend once, however often it is closed', async () => {
    const { backend, names } = fakeBackend({})
    const engine = new Engine(backend)
    await Promise.all([engine.close(), engine.close(), engine[Symbol.asyncDispose]()])
    expect(names()).toEqual(['close'])
  })
  it('refuses a promise of a backend, and nothing at all', () => {
    const made = (backend: unknown): Engine => new Engine(backend as Backend)
    for (const none of [Promise.resolve(fakeBackend({}).backend), undefined])
      expect(() => made(none)).toThrow(expect.objectContaining({ code: 'invalid_argument', message: expect.stringContaining('await') }))
  })
  it('answers what it supports without a call', () => {
    const { backend, calls } = fakeBackend({ capabilities: ['pause'] })
    const engine = new Engine(backend)
    expect([engine.name, engine.supports('pause'), engine.supports('checkpoint')]).toEqual(['fake', true, false])
    expect(calls).toEqual([])
  })
})

describe('updateDaemon', () => {
  it('passes the change on, and refuses a key that is not known before the backend is asked', async () => {
    const { backend, args, calls } = fakeBackend({ system: { updateDaemon: async () => {} } })
    const engine = new Engine(backend)
    await expect(engine.updateDaemon({ labels: { a: 'b' }, mirror: 'x' } as never)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'updateDaemon: "mirror" is not known',
    })
    expect(calls).toEqual([])
    const { signal } = new AbortController()
    await engine.updateDaemon({ labels: { a: 'b' } }, { signal })
    expect(args('system.updateDaemon')).toEqual([{ labels: { a: 'b' } }, { signal }])
  })
})

describe('on', () => {
  it('opens one stream for all listeners, from where the history ends', async () => {
    const streams = new Streams()
    const engine = new Engine(streams.fake.backend)
    const seen: string[] = []
    engine.on('container.exit', ({ cursor }) => seen.push(`exit ${cursor}`))
    const told = new Promise<void>((resolve) => {
      engine.on('gap', ({ cursor }) => {
        seen.push(`gap ${cursor}`)
        resolve()
      })
    })
    streams.tell(event('1', 'start'), event('2', 'exit'), event('3', 'gap', 'gap'))
    await told
    expect(seen).toEqual(['exit 2', 'gap 3'])
    expect(streams.opened).toMatchObject([{ since: '0' }])
    await engine.close()
  })
  it('refuses the name of no event', () => {
    const engine = new Engine(fakeBackend({}).backend)
    for (const name of ['die', 'start', 'containers.exit'])
      expect(() => engine.on(name as 'gap', () => {})).toThrow(expect.objectContaining({ code: 'invalid_argument' }))
  })
  it('opens no stream while nobody listens', () => {
    const streams = new Streams()
    void new Engine(streams.fake.backend)
    expect(streams.fake.calls).toEqual([])
  })
  it('ends the stream when the last listener is off, and opens another for the next', async () => {
    const streams = new Streams()
    const engine = new Engine(streams.fake.backend)
    const listener = (): void => {}
    engine.on('container.exit', listener).on('image.pull', listener)
    await streams.open(1)
    engine.off('container.exit', listener)
    expect(streams.opened[0]?.signal?.aborted).toBe(false)
    engine.off('image.pull', listener)
    expect(streams.opened[0]?.signal?.aborted).toBe(true)
    engine.on('image.pull', listener)
    await streams.open(2)
    await engine.close()
  })
  it('goes on after the last event it told when the stream breaks', async () => {
    const streams = new Streams()
    const engine = new Engine(streams.fake.backend)
    const first = new Promise<void>((resolve) => void engine.on('container.start', () => resolve()))
    streams.tell(event('1', 'start'))
    await first
    streams.break(new EngineError('unavailable', 'gone'))
    await streams.open(2)
    expect(streams.opened[1]).toMatchObject({ since: '1' })
    await engine.close()
  })
  it('ends with the engine, and is refused afterwards', async () => {
    const streams = new Streams()
    const engine = new Engine(streams.fake.backend)
    engine.on('container.exit', () => {})
    await streams.open(1)
    await engine.close()
    expect(streams.opened[0]?.signal?.aborted).toBe(true)
    expect(() => engine.on('container.exit', () => {})).toThrow(expect.objectContaining({ code: 'failed_precondition' }))
  })
})
