// Makes a container: what the daemon would ignore is refused first, and what is half made is removed.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ContainerSpec } from '../../model/container-spec.js'
import type { ImageService } from '../../ports/backend/images.js'
import { needsOfSpec } from '../../ports/backend/needs.js'
import { Rollback } from '../../util/rollback.js'
import { matchesPlatform, parsePlatform } from '../../oci/platform.js'
import { act } from './act.js'
import { type ContainerContext, containerSubject } from './container-context.js'
import { requireNeeds } from './context.js'
import { path } from './path.js'
import { unlessItHangs } from '../../util/patient-abort.js'
import { createAnswer } from './wire/container.js'
import { type CreateBody, toCreateBody, toEndpoint } from './wire/create-body.js'
import { ownerLabel } from './wire/labels.js'
import { parse } from './wire/parse.js'
import { knowsField, refuseUnknownFields } from './wire/spec-fields.js'

export type CreateDeps = Pick<ContainerContext, 'calls' | 'dialect' | 'facts' | 'name' | 'owner' | 'supports' | 'trace' | 'verbs'> & {
  readonly images: Pick<ImageService, 'get' | 'pull'>
}

export async function createContainer(deps: CreateDeps, spec: ContainerSpec, options: CallOptions = {}): Promise<string> {
  const { signal } = options
  signal?.throwIfAborted()
  requireNeeds(deps, needsOfSpec(spec))
  refuseUnknownFields(deps, deps.dialect.fields, spec)
  deps.dialect.containers.refuseSpec?.(spec, deps.facts)
  if (spec.image === '') throw new EngineError('invalid_argument', 'image: is empty')
  await pullAsAsked(deps, spec, options)
  await checkPlatform(deps, spec, options)

  const owned = spec.lifetime === 'owned'
  const labels = owned ? { [ownerLabel]: await deps.owner.label() } : {}
  const { networksAtCreate, extendBody } = deps.dialect.containers
  const atCreate = networksAtCreate(deps.facts.api)
  const plain = toCreateBody(spec, { labels, networksAtCreate: atCreate, createsSources: createsSources(deps) })
  const body = extendBody === undefined ? plain : extendBody(plain, spec)

  await using undo = new Rollback(({ step, error }) => {
    deps.trace({ kind: 'undo', name: step, error })
  })
  signal?.throwIfAborted()
  const id = await postInTurn(deps, spec, body, { signal })
  undo.defer(`remove container "${id}"`, (cleanup) => removeMade(deps, id, cleanup))
  for (const network of (spec.networks ?? []).slice(atCreate)) {
    signal?.throwIfAborted()
    await act(deps, 'POST', path`/networks/${network.name}/connect`, {
      body: { Container: id, EndpointConfig: toEndpoint(network) },
      subject: { kind: 'network', id: network.name },
      signal,
    })
  }
  signal?.throwIfAborted()
  if (owned) deps.owner.owned.add(id)
  undo.keep()
  return id
}

/** One after the other for one name: a daemon may give it to all who ask at once. */
async function postInTurn(deps: CreateDeps, spec: ContainerSpec, body: CreateBody, options: CallOptions): Promise<string> {
  if (spec.name === undefined) return post(deps, spec, body, options)
  using _turn = await deps.verbs.acquire(`name ${spec.name}`, options)
  return await post(deps, spec, body, options)
}

/**
 * An abort waits for the answer: the daemon would go on and make a container that nobody knows. It is quick, and what it made is removed
 * by the caller's undo when it comes too late.
 */
async function post(deps: CreateDeps, spec: ContainerSpec, body: CreateBody, options: CallOptions): Promise<string> {
  const { name, platform } = spec
  const query = { name, platform, ...deps.dialect.containers.createQuery?.(spec) }
  try {
    const answer = await unlessItHangs((call) => deps.calls.json('POST', '/containers/create', { query, body, ...call }), options)
    return parse(createAnswer, answer, 'POST /containers/create').Id
  } catch (error) {
    if (!isEngineError(error, 'already_exists')) throw about(spec, error)
    // Both may be taken, and only the daemon's words tell which it means.
    if (spec.id !== undefined && /container id/i.test(error.message)) throw idTaken(spec.id, error)
    throw name === undefined ? error : taken(name, error)
  }
}
function taken(name: string, cause: EngineError): EngineError {
  return new EngineError('already_exists', `container name "${name}" is taken`, { cause, subject: containerSubject(name) })
}
function idTaken(id: string, cause: EngineError): EngineError {
  return new EngineError('already_exists', `container id "${id}" is taken`, { cause, subject: containerSubject(id) })
}
function about(spec: ContainerSpec, error: unknown): unknown {
  if (!isEngineError(error, 'not_found') || spec.image === undefined) return error
  return new EngineError('not_found', `image "${spec.image}" is not here: ${error.message}`, {
    cause: error,
    subject: { kind: 'image', id: spec.image },
  })
}

function createsSources({ dialect, facts }: CreateDeps): boolean {
  return knowsField(dialect.fields, 'mounts: createSource by Mounts', facts.api)
}

/** Podman takes any image, whatever platform is asked for. */
async function checkPlatform({ images }: CreateDeps, { image, platform }: ContainerSpec, options: CallOptions): Promise<void> {
  if (image === undefined || platform === undefined) return
  const { platform: its } = await images.get(image, options)
  if (matchesPlatform(parsePlatform(its), parsePlatform(platform))) return
  throw new EngineError('not_found', `image "${image}" is not here for ${platform}, but for ${its}`, {
    subject: { kind: 'image', id: image },
  })
}
async function pullAsAsked(
  { images }: CreateDeps,
  { image, pull = 'never', platform }: ContainerSpec,
  options: CallOptions,
): Promise<void> {
  if (image === undefined || pull === 'never') return
  if (pull === 'missing' && (await isHere(images, image, options))) return
  await images.pull(image, { platform, ...options })
}
async function isHere(images: CreateDeps['images'], image: string, options: CallOptions): Promise<boolean> {
  try {
    await images.get(image, options)
    return true
  } catch (error) {
    if (isEngineError(error, 'not_found')) return false
    throw error
  }
}

async function removeMade({ calls }: CreateDeps, id: string, { signal }: CallOptions): Promise<void> {
  try {
    await calls.json('DELETE', path`/containers/${id}`, { query: { force: true, v: true }, subject: containerSubject(id), signal })
  } catch (error) {
    if (!isEngineError(error, 'not_found')) throw error
  }
}
