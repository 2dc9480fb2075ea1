// Which engine `connect()` means when it is not told: the first that this version can use, in a fixed order.
import { join } from 'node:path'
import { EngineError, isEngineError } from '../errors.js'
import type { Backend } from '../ports/backend/backend.js'
import { defaultRoot, type Environment } from './environment.js'
import type { EngineOptions } from './options.js'
import { parseUrl } from './url.js'

const containerdSocket = '/run/containerd/containerd.sock'
const notYet = 'found, but the http backend (pouchd, Docker, Podman) is not part of this version'

/** Whoever sets one of these means it: what is wrong with it is an error, and nothing else is tried. */
const variables = ['POUCH_SDK_URL', 'POUCH_HOST', 'DOCKER_HOST']

/** Throws `unavailable` naming everything that was tried. */
export async function discover(environment: Environment, options: EngineOptions): Promise<Backend> {
  const asked = variables.find((name) => (environment.variable(name) ?? '') !== '')
  if (asked !== undefined) return openVariable(environment, asked, options)
  const tried = new Tried()
  await noteContext(environment, tried)
  await noteSockets(environment, tried)
  options.signal?.throwIfAborted()
  return (await tryContainerd(environment, tried, options)) ?? (await tryEmbedded(environment, tried, options)) ?? tried.fail()
}

async function openVariable(environment: Environment, name: string, options: EngineOptions): Promise<Backend> {
  try {
    return await environment.open(parseUrl(environment.variable(name) ?? ''), options)
  } catch (error) {
    if (isEngineError(error))
      throw new EngineError(error.code, `${name}: ${error.message}`, { cause: error, subject: error.subject, retryable: error.retryable })
    throw error
  }
}

async function noteContext(environment: Environment, tried: Tried): Promise<void> {
  try {
    const name = await environment.dockerContext()
    if (name !== undefined) tried.add(`Docker context "${name}"`, notYet)
  } catch (error) {
    tried.add('the current Docker context', "Docker's configuration cannot be read", error)
  }
}

async function noteSockets(environment: Environment, tried: Tried): Promise<void> {
  const runtimeDirectory = environment.variable('XDG_RUNTIME_DIR') ?? ''
  const users = runtimeDirectory.startsWith('/') ? [join(runtimeDirectory, 'podman/podman.sock')] : []
  for (const socket of ['/var/run/pouchd.sock', '/var/run/docker.sock', '/run/podman/podman.sock', ...users]) {
    tried.add(`"${socket}"`, (await environment.isThere(socket)) ? notYet : 'not there')
  }
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

/** In a directory of its own: a root belongs to one daemon. */
async function tryEmbedded(environment: Environment, tried: Tried, options: EngineOptions): Promise<Backend | undefined> {
  const what = 'an embedded containerd'
  const refusal = environment.noEmbedding()
  if (refusal !== undefined) return tried.add(what, refusal)
  return tried.attempt(what, environment.embed(join(options.root ?? defaultRoot, 'embedded'), options))
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
