// Which engine `connect()` means when it is not told: the first that this version can use, in a fixed order.
import { posix } from 'node:path'
import { EngineError, isEngineError } from '../errors.js'
import type { Backend } from '../ports/backend/backend.js'
import type { DockerContext } from './docker-context.js'
import { defaultRoot, type Environment } from './environment.js'
import type { EngineOptions } from './options.js'
import { parseUrl } from './url.js'

const containerdSocket = '/run/containerd/containerd.sock'

/** Whoever sets one of these means it: what is wrong with it is an error, and nothing else is tried. */
const variables = ['POUCH_SDK_URL', 'POUCH_HOST', 'DOCKER_HOST']

/** Throws `unavailable` naming everything that was tried. */
export async function discover(environment: Environment, options: EngineOptions): Promise<Backend> {
  const asked = variables.find((name) => (environment.variable(name) ?? '') !== '')
  if (asked !== undefined) return openVariable(environment, asked, options)
  const tried = new Tried()
  return (
    (await tryContext(environment, tried, options)) ??
    (await trySockets(environment, tried, options)) ??
    (await tryContainerd(environment, tried, options)) ??
    (await tryLocal(environment, tried, options)) ??
    (await tryEmbedded(environment, tried, options)) ??
    tried.fail()
  )
}

async function openVariable(environment: Environment, name: string, options: EngineOptions): Promise<Backend> {
  try {
    const target = parseUrl(environment.variable(name) ?? '')
    const tls =
      name === 'DOCKER_HOST' && 'url' in target && target.url.startsWith('tcp:')
        ? (options.tls ?? (await environment.dockerTls()))
        : options.tls
    return await environment.open(target, { ...options, tls })
  } catch (error) {
    if (isEngineError(error))
      throw new EngineError(error.code, `${name}: ${error.message}`, { cause: error, subject: error.subject, retryable: error.retryable })
    throw error
  }
}

async function tryContext(environment: Environment, tried: Tried, options: EngineOptions): Promise<Backend | undefined> {
  let context: DockerContext | undefined
  try {
    context = await environment.dockerContext()
  } catch (error) {
    return tried.add('the current Docker context', isEngineError(error) ? error.message : "Docker's configuration cannot be read", error)
  }
  options.signal?.throwIfAborted()
  if (context === undefined) return undefined
  const { name, host, tls } = context
  const opening = async (): Promise<Backend> => environment.open(parseUrl(host), { ...options, tls: options.tls ?? tls })
  return tried.attempt(`Docker context "${name}"`, opening())
}

async function trySockets(environment: Environment, tried: Tried, options: EngineOptions): Promise<Backend | undefined> {
  for (const socketPath of socketsOf(environment)) {
    const what = `"${socketPath}"`
    const refusal = await environment.refusal(socketPath, options)
    if (refusal !== undefined) {
      tried.add(what, refusal)
      continue
    }
    const backend = await tried.attempt(what, environment.open({ kind: 'http', socketPath }, { ...options, tls: undefined }))
    if (backend !== undefined) return backend
  }
  return undefined
}
/** What listens there is found out by asking. */
function socketsOf({ platform, variable }: Environment): readonly string[] {
  if (platform === 'win32') return ['//./pipe/docker_engine', '//./pipe/podman-machine-default']
  const [home = '', runtimeDirectory = ''] = ['HOME', 'XDG_RUNTIME_DIR'].map((name) => variable(name) ?? '')
  const users = (base: string, paths: readonly string[]): readonly string[] =>
    base.startsWith('/') ? paths.map((path) => posix.join(base, path)) : []
  return [
    '/var/run/pouchd.sock',
    '/var/run/docker.sock',
    ...users(runtimeDirectory, ['docker.sock']),
    ...(platform === 'darwin' ? users(home, ['.docker/run/docker.sock']) : []),
    '/run/podman/podman.sock',
    ...users(runtimeDirectory, ['podman/podman.sock']),
  ]
}

async function tryContainerd(environment: Environment, tried: Tried, options: EngineOptions): Promise<Backend | undefined> {
  const what = `containerd at "${containerdSocket}"`
  const refusal = await environment.refusal(containerdSocket, options)
  if (refusal !== undefined) return tried.add(what, refusal)
  return tried.attempt(
    what,
    environment.open({ kind: 'containerd', address: containerdSocket, namespace: undefined, root: undefined }, options),
  )
}

/** In a directory of its own, here and below: a root belongs to one daemon, or to none. */
async function tryLocal(environment: Environment, tried: Tried, options: EngineOptions): Promise<Backend | undefined> {
  const root = posix.join(options.root ?? defaultRoot, 'local')
  return tried.attempt('an engine without a daemon', environment.open({ kind: 'local', root }, options))
}

async function tryEmbedded(environment: Environment, tried: Tried, options: EngineOptions): Promise<Backend | undefined> {
  const what = 'an embedded containerd'
  const refusal = environment.noEmbedding()
  if (refusal !== undefined) return tried.add(what, refusal)
  return tried.attempt(what, environment.embed(posix.join(options.root ?? defaultRoot, 'embedded'), options))
}

class Tried {
  readonly #lines: string[] = []
  readonly #errors: unknown[] = []

  add(what: string, why: string, error?: unknown): undefined {
    this.#lines.push(`${what}: ${why}`)
    if (error !== undefined) this.#errors.push(error)
  }
  /** Undefined when it cannot be used here or now; what else goes wrong is the caller's to know. */
  async attempt(what: string, opening: Promise<Backend>): Promise<Backend | undefined> {
    try {
      return await opening
    } catch (error) {
      if (!isEngineError(error) || !passedOver.has(error.code)) throw error
      return this.add(what, error.message, error)
    }
  }
  fail(): never {
    const cause = this.#errors.length > 1 ? new AggregateError(this.#errors, 'several could not be used') : this.#errors[0]
    throw new EngineError('unavailable', `no engine found; tried: ${this.#lines.join('; ')}`, { cause, retryable: true })
  }
}
const passedOver: ReadonlySet<string> = new Set(['unavailable', 'permission_denied', 'failed_precondition', 'unsupported'])
