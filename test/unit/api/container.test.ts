import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Container } from '../../../src/api/container.js'
import { Engine } from '../../../src/api/engine.js'
import { EngineError } from '../../../src/errors.js'
import type { ContainerSpec } from '../../../src/model/container-spec.js'
import type { ContainerInfo, HealthState } from '../../../src/model/container.js'
import { collect, each, exitOf, FakeProcess, fakeBackend, infoOf } from './fake-backend.js'

const running = { status: 'running', startedAt: new Date(0) } as const
const notFound = new EngineError('not_found', 'no container "x"')

describe('containers', () => {
  it('create leaves pull policy and lifetime as they are', async () => {
    const { backend, args } = fakeBackend({ containers: { create: async () => 'c1' } })
    expect((await new Engine(backend).containers.create({ image: 'x' })).id).toBe('c1')
    expect(args('containers.create')[0]).toEqual({ image: 'x' })
  })
  it('a handle that is printed shows what it stands for, and nothing of the backend', async () => {
    const { backend } = fakeBackend({ containers: { list: () => each(infoOf('a')) } })
    const [listed] = await collect(new Engine(backend).containers.list())
    expect(Object.keys(listed ?? {}).sort()).toEqual(['files', 'id', 'info'])
    expect(inspect(listed)).not.toContain('backend:')
  })
  it('a restart policy that is a word is told what it must be', async () => {
    const { backend } = fakeBackend({ containers: { create: async () => 'c1' } })
    const spec = { image: 'x', restart: 'always' } as unknown as ContainerSpec
    const message = expect.stringContaining('{ policy }')
    await expect(new Engine(backend).containers.create(spec)).rejects.toMatchObject({ code: 'invalid_argument', message })
  })
  it('get gives a reference by the whole id', async () => {
    const { backend } = fakeBackend({ containers: { get: async () => infoOf('c1') } })
    expect((await new Engine(backend).containers.get('c')).id).toBe('c1')
  })
  it('find gives undefined where get throws not_found, and throws all else', async () => {
    const missing = new Engine(fakeBackend({ containers: { get: async () => Promise.reject(notFound) } }).backend)
    expect(await missing.containers.find('x')).toBeUndefined()
    await expect(missing.containers.get('x')).rejects.toBe(notFound)
    const ambiguous = new EngineError('invalid_argument', 'two')
    const engine = new Engine(fakeBackend({ containers: { get: async () => Promise.reject(ambiguous) } }).backend)
    await expect(engine.containers.find('x')).rejects.toBe(ambiguous)
  })
  it('list gives handles with what was known then', async () => {
    const { backend, args } = fakeBackend({ containers: { list: () => each(infoOf('a'), infoOf('b')) } })
    const listed = await collect(new Engine(backend).containers.list({ all: true, status: ['exited'] }))
    expect(listed.map(({ id, info }) => [id, info.name])).toEqual([
      ['a', 'a'],
      ['b', 'b'],
    ])
    expect(args('containers.list')[0]).toEqual({ all: true, status: ['exited'] })
  })
  it('list refuses a status that there is none of', async () => {
    const engine = new Engine(fakeBackend({}).backend)
    // @ts-expect-error no such status
    await expect(collect(engine.containers.list({ status: ['dead'] }))).rejects.toMatchObject({ code: 'invalid_argument' })
  })
  it('createOwned is removed at the end of its block, once', async () => {
    const { backend, args } = fakeBackend({ containers: { create: async () => 'c1', remove: async () => {} } })
    {
      await using owned = await new Engine(backend).containers.createOwned({ image: 'x' })
      await owned.close()
    }
    expect(args('containers.create')[0]).toMatchObject({ lifetime: 'owned' })
    expect(args('containers.remove')).toMatchObject(['c1', { force: true, volumes: true }])
  })
  it('createOwned closes without an error when the container is gone already', async () => {
    const { backend } = fakeBackend({ containers: { create: async () => 'c1', remove: async () => Promise.reject(notFound) } })
    await expect((await new Engine(backend).containers.createOwned({ image: 'x' })).close()).resolves.toBeUndefined()
  })
})

describe('a container', () => {
  it('starts without streams, and with them when asked', async () => {
    const process = new FakeProcess()
    const { backend, calls } = fakeBackend({ containers: { start: async (_, options) => (options?.attach ? process : undefined) } })
    const web = new Container(backend, 'web')
    expect(await web.start()).toBeUndefined()
    expect(await web.startAttached({ stdin: true })).toBe(process)
    expect(calls.map(({ args }) => args[1])).toEqual([undefined, { attach: { stdin: true } }])
  })
  it('kills with SIGKILL unless told, and refuses what is no signal', async () => {
    const { backend, calls } = fakeBackend({ containers: { kill: async () => {} } })
    const web = new Container(backend, 'web')
    await web.kill()
    await web.kill('SIGHUP')
    // @ts-expect-error SIG is part of the name
    await expect(web.kill('HUP')).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(calls.map(({ args }) => args[1])).toEqual(['SIGKILL', 'SIGHUP'])
  })
  it('refuses an option that it does not know for verbs that have none but the signal', async () => {
    const { backend, calls } = fakeBackend({})
    // @ts-expect-error no such option
    await expect(new Container(backend, 'web').inspect({ sginal: undefined })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: 'inspect: "sginal" is not known',
    })
    expect(calls).toEqual([])
  })

  describe('publishedPort', () => {
    const inspected = (ports: ContainerInfo['ports']): Container =>
      new Container(fakeBackend({ containers: { get: async () => infoOf('web', { ports }) } }).backend, 'web')
    it.each([
      ['0.0.0.0', '127.0.0.1'],
      ['::', '::1'],
      ['198.18.7.1', '198.18.7.1'],
    ])('of %s is reached at %s', async (hostIp, host) => {
      const web = inspected([{ containerPort: 80, hostPort: 49153, hostIp, protocol: 'tcp' }])
      expect(await web.publishedPort(80)).toEqual({ host, port: 49153 })
    })
    it('tells protocols apart', async () => {
      const web = inspected([{ containerPort: 53, hostPort: 1053, hostIp: '127.0.0.1', protocol: 'udp' }])
      expect(await web.publishedPort(53, { protocol: 'udp' })).toMatchObject({ port: 1053 })
      await expect(web.publishedPort(53)).rejects.toMatchObject({ code: 'failed_precondition' })
    })
  })

  describe('waitUntilHealthy', () => {
    const health = (status: HealthState['status'], output = ''): Partial<ContainerInfo> => ({
      state: running,
      health: { status, failingStreak: 0, checks: [{ time: new Date(0), exitCode: 1, output }] },
    })
    const going = (...infos: readonly Partial<ContainerInfo>[]): Container => {
      let at = 0
      const get = async (): Promise<ContainerInfo> => infoOf('web', infos[Math.min(at++, infos.length - 1)])
      return new Container(fakeBackend({ containers: { get } }).backend, 'web')
    }
    it('resolves when the check succeeds', async () => {
      await going(health('starting'), health('healthy')).waitUntilHealthy()
    })
    it.each([
      ['has no check', { state: running }, 'has no health check'],
      ['is unhealthy', health('unhealthy', 'refused\n'), 'is unhealthy: "refused"'],
      ['exits before', { ...health('starting'), state: { status: 'exited', exit: exitOf(1) } as const }, 'is exited'],
      ['was healthy when it exited', { ...health('healthy'), state: { status: 'exited', exit: exitOf(1) } as const }, 'is exited'],
    ])('rejects when it %s', async (_, info, message) => {
      await expect(going(info).waitUntilHealthy()).rejects.toMatchObject({
        code: 'failed_precondition',
        message: expect.stringContaining(message),
      })
    })
    it('rejects with the reason of an abort', async () => {
      const abort = new AbortController()
      const waiting = going(health('starting')).waitUntilHealthy({ signal: abort.signal })
      abort.abort(new Error('enough'))
      await expect(waiting).rejects.toThrow('enough')
    })
  })
})
