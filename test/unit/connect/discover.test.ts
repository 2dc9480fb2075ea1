import { describe, expect, it } from 'vitest'
import { openBackend } from '../../../src/connect/open.js'
import type { Environment } from '../../../src/connect/environment.js'
import type { DockerContext } from '../../../src/connect/docker-context.js'
import type { EngineOptions } from '../../../src/connect/options.js'
import type { Target } from '../../../src/connect/url.js'
import { EngineError } from '../../../src/errors.js'
import type { TlsOptions } from '../../../src/backends/http/connect.js'
import type { Backend } from '../../../src/ports/backend/backend.js'

interface Machine {
  readonly variables?: Readonly<Record<string, string>>
  readonly context?: DockerContext | Error
  readonly tls?: TlsOptions
  /** Sockets at which somebody answers, beside containerd's. */
  readonly sockets?: readonly string[]
  /** Why the containerd socket is no use. Absent: it answers. */
  readonly refusal?: string
  readonly noEmbedding?: string
  readonly openError?: unknown
  readonly httpError?: unknown
  readonly platform?: NodeJS.Platform
  /** Why there can be no engine without a daemon. Absent: there can. */
  readonly localError?: unknown
  readonly embedError?: unknown
}
const system = { kind: 'containerd', address: '/run/containerd/containerd.sock', namespace: undefined, root: undefined } satisfies Target
const containerdBackend = { name: 'containerd' } as Backend
const httpBackend = { name: 'docker' } as Backend
const localBackend = { name: 'local' } as Backend
const embeddedBackend = { name: 'embedded' } as Backend

function machine(has: Machine): { readonly environment: Environment; readonly calls: unknown[] } {
  const calls: unknown[] = []
  const environment: Environment = {
    platform: has.platform ?? 'linux',
    variable: (name) => has.variables?.[name],
    async dockerContext() {
      if (has.context instanceof Error) throw has.context
      return has.context
    },
    dockerTls: async () => has.tls,
    refusal: async (socket) => {
      if (socket === system.address) return has.refusal
      return has.sockets?.includes(socket) === true ? undefined : 'not there'
    },
    noEmbedding: () => has.noEmbedding,
    async open(target, options) {
      calls.push({ open: target, options })
      if (target.kind === 'local') {
        if (has.localError !== undefined) throw has.localError
        return localBackend
      }
      if (target.kind === 'http') {
        if (has.httpError !== undefined) throw has.httpError
        return httpBackend
      }
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

describe('connect with a URL', () => {
  it('opens what the URL says, and looks at nothing else', async () => {
    const { environment, calls } = machine({ variables: { POUCH_SDK_URL: 'containerd:///other.sock' } })
    expect(await openBackend(environment, 'containerd:///run/c.sock?namespace=ci', { root: '/r' })).toBe(containerdBackend)
    expect(calls).toEqual([
      { open: { kind: 'containerd', address: '/run/c.sock', namespace: 'ci', root: undefined }, options: { root: '/r' } },
    ])
  })

  it.each<[string, Target]>([
    ['unix:///var/run/docker.sock', { kind: 'http', socketPath: '/var/run/docker.sock' }],
    ['tcp://10.0.0.5:2376', { kind: 'http', url: 'tcp://10.0.0.5:2376' }],
    ['ssh://ci@build-7', { kind: 'http', url: 'ssh://ci@build-7' }],
    ['npipe:////./pipe/docker_engine', { kind: 'http', url: 'npipe:////./pipe/docker_engine' }],
  ])('opens %s over HTTP, whoever answers', async (url, target) => {
    const { environment, calls } = machine({ variables: { DOCKER_HOST: 'tcp://other:1' } })
    expect(await openBackend(environment, url)).toBe(httpBackend)
    expect(calls).toEqual([{ open: target, options: {} }])
  })

  it('opens local: without a daemon', async () => {
    const { environment, calls } = machine({})
    expect(await openBackend(environment, 'local:///srv/ci')).toBe(localBackend)
    expect(calls).toEqual([{ open: { kind: 'local', root: '/srv/ci' }, options: {} }])
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
  it.each(['POUCH_SDK_URL', 'POUCH_HOST', 'DOCKER_HOST'])('%s rejects with its name, and nothing else is tried', async (name) => {
    const has = { variables: { [name]: 'tcp://10.0.0.5:2375' }, httpError: new EngineError('unavailable', 'nobody answers') }
    const { environment, calls } = machine(has)
    await expect(openBackend(environment, undefined)).rejects.toMatchObject({ code: 'unavailable', message: `${name}: nobody answers` })
    expect(calls).toHaveLength(1)
  })

  it("Docker's variables of TLS count for DOCKER_HOST over TCP only, and less than what the caller says", async () => {
    const tls = { ca: 'theirs' }
    const opened = async (variables: Record<string, string>, options?: EngineOptions): Promise<unknown> => {
      const { environment, calls } = machine({ variables, tls })
      await openBackend(environment, undefined, options)
      return (calls[0] as { options: EngineOptions }).options.tls
    }
    expect(await opened({ DOCKER_HOST: 'tcp://h:2376' })).toEqual(tls)
    expect(await opened({ DOCKER_HOST: 'tcp://h:2376' }, { tls: { ca: 'mine' } })).toEqual({ ca: 'mine' })
    expect(await opened({ DOCKER_HOST: 'unix:///d.sock' })).toBeUndefined()
    expect(await opened({ DOCKER_HOST: 'ssh://h' })).toBeUndefined()
    expect(await opened({ POUCH_HOST: 'tcp://h:2376' })).toBeUndefined()
  })

  it('POUCH_SDK_URL comes before POUCH_HOST, and that before DOCKER_HOST; an empty one is none', async () => {
    const variables = { POUCH_SDK_URL: 'containerd:///a.sock', POUCH_HOST: 'unix:///b.sock', DOCKER_HOST: 'nonsense' }
    expect(await connectOn({ variables })).toBe(containerdBackend)
    expect(await connectOn({ variables: { ...variables, POUCH_SDK_URL: '' } })).toBe(httpBackend)
    await expect(connectOn({ variables: { ...variables, POUCH_SDK_URL: '', POUCH_HOST: '' } })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringMatching(/^DOCKER_HOST: /),
    })
  })

  it('the current Docker context comes first, with its TLS', async () => {
    const context = { name: 'remote', host: 'tcp://10.0.0.5:2376', tls: { ca: 'x' } }
    const { environment, calls } = machine({ context, sockets: ['/var/run/docker.sock'] })
    expect(await openBackend(environment, undefined)).toBe(httpBackend)
    expect(calls).toEqual([{ open: { kind: 'http', url: context.host }, options: { tls: context.tls } }])
  })

  it.each<[NodeJS.Platform, readonly string[]]>([
    ['linux', ['/var/run/pouchd.sock', '/var/run/docker.sock', '/u/docker.sock', '/run/podman/podman.sock', '/u/podman/podman.sock']],
    ['darwin', ['/var/run/docker.sock', '/u/docker.sock', '/home/me/.docker/run/docker.sock', '/run/podman/podman.sock']],
    ['win32', ['//./pipe/docker_engine', '//./pipe/podman-machine-default']],
  ])('on %s the sockets are taken in their order', async (platform, sockets) => {
    const variables = { XDG_RUNTIME_DIR: '/u', HOME: '/home/me' }
    for (const [index, socketPath] of sockets.entries()) {
      const { environment, calls } = machine({ platform, variables, sockets: sockets.slice(index).reverse() })
      expect(await openBackend(environment, undefined)).toBe(httpBackend)
      expect(calls).toEqual([{ open: { kind: 'http', socketPath }, options: {} }])
    }
  })

  it('goes on to containerd past a context and sockets that cannot be used', async () => {
    const httpError = new EngineError('permission_denied', 'no permission to use it')
    const context = { name: 'remote', host: 'tcp://h:1' }
    const { environment, calls } = machine({ context, sockets: ['/var/run/docker.sock'], httpError })
    expect(await openBackend(environment, undefined)).toBe(containerdBackend)
    expect(calls.at(-1)).toEqual({ open: system, options: {} })
    expect(calls).toHaveLength(3)
  })

  it.each(['unavailable', 'permission_denied', 'failed_precondition'] as const)(
    'does without a daemon when the containerd that is there is %s',
    async (code) => {
      const { environment, calls } = machine({ openError: new EngineError(code, 'no use') })
      expect(await openBackend(environment, undefined)).toBe(localBackend)
      expect(calls).toEqual([
        { open: system, options: {} },
        { open: { kind: 'local', root: '/var/lib/pouch-sdk/local' }, options: {} },
      ])
    },
  )

  it('embeds a containerd where there can be no engine without one, below the root that was asked for', async () => {
    const { environment, calls } = machine({ refusal: 'not there', localError: new EngineError('failed_precondition', 'no runtime') })
    const options = { root: '/srv/ci' }
    expect(await openBackend(environment, undefined, options)).toBe(embeddedBackend)
    expect(calls).toEqual([{ open: { kind: 'local', root: '/srv/ci/local' }, options }, { embed: '/srv/ci/embedded' }])
  })

  it.each<[string, unknown]>([
    ['a fault of the engine', new EngineError('data_loss', 'broken root')],
    ['an abort', new Error('enough')],
  ])('does not go on after %s', async (_, openError) => {
    await expect(connectOn({ openError })).rejects.toBe(openError)
  })

  it('rejects with one unavailable error that names everything tried and why', async () => {
    const localError = new EngineError('permission_denied', 'no right to mount')
    const embedError = new EngineError('failed_precondition', 'no "containerd" on this machine')
    const failing = connectOn({
      context: { name: 'remote', host: 'tcp://h:1' },
      variables: { XDG_RUNTIME_DIR: '/run/user/7' },
      sockets: ['/var/run/docker.sock', '/run/user/7/podman/podman.sock'],
      httpError: new EngineError('unavailable', 'it is silent'),
      refusal: 'no permission to use it',
      localError,
      embedError,
    })
    await expect(failing).rejects.toMatchObject({
      code: 'unavailable',
      cause: { errors: expect.arrayContaining([embedError]) },
      message: `no engine found; tried: ${[
        'Docker context "remote": it is silent',
        '"/var/run/pouchd.sock": not there',
        '"/var/run/docker.sock": it is silent',
        '"/run/user/7/docker.sock": not there',
        '"/run/podman/podman.sock": not there',
        '"/run/user/7/podman/podman.sock": it is silent',
        'containerd at "/run/containerd/containerd.sock": no permission to use it',
        'an engine without a daemon: no right to mount',
        'an embedded containerd: no "containerd" on this machine',
      ].join('; ')}`,
    })
  })

  it('tells why nothing can be embedded, and that a Docker configuration cannot be read', async () => {
    await expect(
      connectOn({
        context: new Error('bad JSON'),
        refusal: 'not there',
        localError: new EngineError('permission_denied', 'no right to mount'),
        noEmbedding: 'starting one needs root',
      }),
    ).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/Docker's configuration cannot be read; .*an embedded containerd: starting one needs root$/),
    })
  })
})
