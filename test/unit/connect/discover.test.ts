import { describe, expect, it } from 'vitest'
import { openBackend } from '../../../src/connect/open.js'
import { thisMachine, type Environment } from '../../../src/connect/environment.js'
import type { EngineOptions } from '../../../src/connect/options.js'
import type { Target } from '../../../src/connect/url.js'
import { EngineError } from '../../../src/errors.js'
import type { Backend } from '../../../src/ports/backend/backend.js'

interface Machine {
  readonly variables?: Readonly<Record<string, string>>
  readonly context?: string | Error
  readonly files?: readonly string[]
  /** Why the containerd socket is no use. Absent: it answers. */
  readonly refusal?: string
  readonly noEmbedding?: string
  readonly openError?: unknown
  readonly embedError?: unknown
}
const containerdBackend = { name: 'containerd' } as Backend
const embeddedBackend = { name: 'embedded' } as Backend

function machine(has: Machine): { readonly environment: Environment; readonly calls: unknown[] } {
  const calls: unknown[] = []
  const environment: Environment = {
    variable: (name) => has.variables?.[name],
    async dockerContext() {
      if (has.context instanceof Error) throw has.context
      return has.context
    },
    isThere: async (path) => has.files?.includes(path) ?? false,
    refusal: async () => has.refusal,
    noEmbedding: () => has.noEmbedding,
    async open(target, options) {
      calls.push({ open: target, options })
      if (target.kind === 'http') throw new EngineError('unsupported', 'not part of this version')
      if (target.kind !== 'containerd') return thisMachine.open(target, options)
      if (has.openError !== undefined) throw has.openError
      return containerdBackend
    },
    async embed(root) {
      calls.push({ embed: root })
      if (has.embedError !== undefined) throw has.embedError
      return embeddedBackend
    },
  }
  return { environment, calls }
}
const connectOn = (has: Machine, url?: string, options?: EngineOptions): Promise<Backend> =>
  openBackend(machine(has).environment, url, options)
const system: Target = { kind: 'containerd', address: '/run/containerd/containerd.sock', namespace: undefined, root: undefined }

describe('connect with a URL', () => {
  it('opens what the URL says, and looks at nothing else', async () => {
    const { environment, calls } = machine({ variables: { POUCH_SDK_URL: 'containerd:///other.sock' } })
    expect(await openBackend(environment, 'containerd:///run/c.sock?namespace=ci', { root: '/r' })).toBe(containerdBackend)
    expect(calls).toEqual([
      { open: { kind: 'containerd', address: '/run/c.sock', namespace: 'ci', root: undefined }, options: { root: '/r' } },
    ])
  })

  it.each([
    'unix:///var/run/docker.sock',
    'tcp://10.0.0.5:2376',
    'ssh://ci@build-7',
    'npipe:////./pipe/docker_engine',
    'http://h',
    'https://h',
  ])('rejects %s with unsupported: there is no http backend', async (url) => {
    await expect(connectOn({}, url)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('not part of this version'),
    })
  })

  it('rejects local: with unsupported', async () => {
    await expect(connectOn({}, 'local:///var/lib/x')).rejects.toMatchObject({ code: 'unsupported' })
  })

  it('never falls back when nobody answers there', async () => {
    const openError = new EngineError('unavailable', 'nobody answers')
    const { environment, calls } = machine({ openError })
    await expect(openBackend(environment, 'containerd:///run/c.sock')).rejects.toBe(openError)
    expect(calls).toHaveLength(1)
  })

  it('refuses tls for what is no URL of another machine', async () => {
    await expect(connectOn({}, 'containerd:///run/c.sock', { tls: { ca: 'x' } })).rejects.toMatchObject({ code: 'invalid_argument' })
  })
})

describe('connect checks its options', () => {
  it.each<[string, unknown]>([
    ['"rot" is not known', { rot: '/x' }],
    ['"root" must be an absolute path', { root: 'x' }],
    ['"tls.cert" and "key" need each other', { tls: { cert: 'x' } }],
    ['"registries.hosts.a.plainHttp" must be a boolean', { registries: { hosts: { a: { plainHttp: 'yes' } } } }],
    ['"onTrace" must be a function', { onTrace: true }],
    ['"signal" must be an AbortSignal', { signal: true }],
  ])('%s', async (problem, options) => {
    await expect(connectOn({}, undefined, options as EngineOptions)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `connect: ${problem}`,
    })
  })

  it('an aborted signal rejects with its reason before anything is opened', async () => {
    const reason = new Error('enough')
    const { environment, calls } = machine({})
    await expect(openBackend(environment, undefined, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(calls).toEqual([])
  })
})

describe('discovery', () => {
  it.each(['POUCH_SDK_URL', 'POUCH_HOST', 'DOCKER_HOST'])('%s with an http URL rejects with unsupported and its name', async (name) => {
    await expect(connectOn({ variables: { [name]: 'tcp://10.0.0.5:2375' } })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(new RegExp(`^${name}: .*not part of this version`)),
    })
  })

  it('POUCH_SDK_URL comes before POUCH_HOST, and that before DOCKER_HOST; an empty one is none', async () => {
    const variables = { POUCH_SDK_URL: 'containerd:///a.sock', POUCH_HOST: 'unix:///b.sock', DOCKER_HOST: 'nonsense' }
    expect(await connectOn({ variables })).toBe(containerdBackend)
    await expect(connectOn({ variables: { ...variables, POUCH_SDK_URL: '' } })).rejects.toThrow(/^POUCH_HOST: /)
    await expect(connectOn({ variables: { ...variables, POUCH_SDK_URL: '', POUCH_HOST: '' } })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/^DOCKER_HOST: /),
    })
  })

  it('goes on to containerd past contexts and sockets of other engines', async () => {
    const { environment, calls } = machine({ context: 'remote', files: ['/var/run/docker.sock'] })
    expect(await openBackend(environment, undefined)).toBe(containerdBackend)
    expect(calls).toEqual([{ open: system, options: {} }])
  })

  it.each(['unavailable', 'permission_denied', 'failed_precondition'] as const)(
    'embeds a containerd when the one that is there is %s',
    async (code) => {
      const { environment, calls } = machine({ openError: new EngineError(code, 'no use') })
      expect(await openBackend(environment, undefined)).toBe(embeddedBackend)
      expect(calls).toEqual([{ open: system, options: {} }, { embed: '/var/lib/pouch-sdk/embedded' }])
    },
  )

  it('embeds below the root that was asked for', async () => {
    const { environment, calls } = machine({ refusal: 'not there' })
    expect(await openBackend(environment, undefined, { root: '/srv/ci' })).toBe(embeddedBackend)
    expect(calls).toEqual([{ embed: '/srv/ci/embedded' }])
  })

  it.each<[string, unknown]>([
    ['a fault of the engine', new EngineError('data_loss', 'broken root')],
    ['an abort', new Error('enough')],
  ])('does not go on after %s', async (_, openError) => {
    await expect(connectOn({ openError })).rejects.toBe(openError)
  })

  it('rejects with one unavailable error that names everything tried and why', async () => {
    const embedError = new EngineError('failed_precondition', 'no "containerd" on this machine')
    const failing = connectOn({
      context: 'remote',
      variables: { XDG_RUNTIME_DIR: '/run/user/7' },
      files: ['/var/run/docker.sock', '/run/user/7/podman/podman.sock'],
      refusal: 'no permission to use it',
      embedError,
    })
    const notYet = 'found, but the http backend (pouchd, Docker, Podman) is not part of this version'
    await expect(failing).rejects.toMatchObject({
      code: 'unavailable',
      cause: embedError,
      message: `no engine found; tried: ${[
        `Docker context "remote": ${notYet}`,
        '"/var/run/pouchd.sock": not there',
        `"/var/run/docker.sock": ${notYet}`,
        '"/run/podman/podman.sock": not there',
        `"/run/user/7/podman/podman.sock": ${notYet}`,
        'containerd at "/run/containerd/containerd.sock": no permission to use it',
        'an embedded containerd: no "containerd" on this machine',
      ].join('; ')}`,
    })
  })

  it('tells why nothing can be embedded, and that a Docker configuration cannot be read', async () => {
    await expect(
      connectOn({ context: new Error('bad JSON'), refusal: 'not there', noEmbedding: 'starting one needs root' }),
    ).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/Docker's configuration cannot be read; .*an embedded containerd: starting one needs root$/),
    })
  })
})
