// Anonymous tokens: what a registry asks for in its 401, fetched once and kept while it lasts.
import { EngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import { raceAbort } from '../util/abort.js'
import { isRetryableStatus, isTransient, statusFailure } from './failures.js'
import { isLoopback, type RegistryEndpoint } from './options.js'
import { readAtMost } from './read.js'
import { type Attempt, parseRetryAfter, retrying, type RetryPolicy } from './retry.js'
import type { HttpResponse, Transport } from './transport.js'

export interface Challenge {
  /** In lower case. */
  readonly scheme: string
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>
}
interface Token {
  readonly value: string
  /** By the monotonic clock. */
  readonly goodUntil: number
}

export class TokenCache {
  readonly #transport: Transport
  readonly #retry: RetryPolicy
  readonly #tokens = new Map<string, Token>()
  readonly #pending = new Map<string, Promise<string>>()

  constructor(transport: Transport, retry: RetryPolicy) {
    this.#transport = transport
    this.#retry = retry
  }
  /** The value of `Authorization`, if one is known. */
  find({ origin }: RegistryEndpoint, scope: string): string | undefined {
    const token = this.#tokens.get(`${origin} ${scope}`)
    return token === undefined || token.goodUntil < performance.now() ? undefined : token.value
  }
  /** Answers the 401 in `response` with a new token; `unauthenticated` when there is none for strangers. */
  async obtain(endpoint: RegistryEndpoint, scope: string, response: HttpResponse, what: string, options: CallOptions): Promise<string> {
    const challenge = parseChallenges(response.headers('www-authenticate')).find(({ scheme }) => scheme === 'bearer')
    if (challenge === undefined) throw statusFailure(401, what, endpoint.host)
    const key = `${endpoint.origin} ${scope}`
    let pending = this.#pending.get(key)
    if (pending === undefined) {
      // Several pulls may wait for it: none of their signals ends it.
      pending = this.#fetch(endpoint, scope, challenge, what, { signal: AbortSignal.timeout(120_000) }).finally(() => {
        this.#pending.delete(key)
      })
      this.#pending.set(key, pending)
    }
    return await raceAbort(pending, options.signal)
  }

  async #fetch(
    endpoint: RegistryEndpoint,
    scope: string,
    { parameters }: Challenge,
    what: string,
    { signal }: CallOptions,
  ): Promise<string> {
    const url = realmOf(endpoint, parameters.realm)
    if (parameters.service !== undefined) url.searchParams.set('service', parameters.service)
    url.searchParams.set('scope', parameters.scope ?? scope)
    const text = await retrying(() => this.#ask(url, what, endpoint, { signal }), this.#retry, { signal })
    const { value, expiresInMs } = parseToken(text, url.host)
    // A tenth less, so that it does not end on the way.
    this.#tokens.set(`${endpoint.origin} ${scope}`, { value, goodUntil: performance.now() + expiresInMs * 0.9 })
    return value
  }
  async #ask(url: URL, what: string, { host }: RegistryEndpoint, { signal }: CallOptions): Promise<Attempt<string>> {
    try {
      const response = await this.#transport.request({ method: 'GET', url, headers: { accept: 'application/json' }, signal })
      if (response.status === 200)
        return { value: (await readAtMost(response.body, 1 << 20, `the token of "${url.host}"`)).toString('utf8') }
      await response.discard()
      const failure = statusFailure(isRetryableStatus(response.status) ? response.status : 401, what, host)
      if (isRetryableStatus(response.status)) return { failure, afterMs: parseRetryAfter(response.header('retry-after')) }
      throw failure
    } catch (error) {
      if (isTransient(error)) return { failure: error }
      throw error
    }
  }
}

/** RFC 9110 §11.6.1. A word without a value begins a scheme; what follows are its parameters. */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = []
  for (const header of headers) {
    for (const [, name = '', quoted, plain] of header
      .slice(0, 8192)
      .matchAll(/([\w.!#$%&'*+^`|~-]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g)) {
      const value = quoted?.replace(/\\(.)/g, '$1') ?? plain
      const current = challenges.at(-1)
      if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: Object.create(null) as Record<string, string> })
      else if (current !== undefined) current.parameters[name.toLowerCase()] = value
    }
  }
  return challenges
}

function realmOf({ host, origin }: RegistryEndpoint, realm: string | undefined): URL {
  if (realm === undefined || !URL.canParse(realm))
    throw new EngineError('unauthenticated', `registry "${host}" asks for a token but does not say where to get it`)
  const url = new URL(realm)
  const plain = url.protocol === 'http:' && (origin.startsWith('http:') || isLoopback(url.host))
  if (url.protocol === 'https:' || plain) return url
  throw new EngineError('unauthenticated', `registry "${host}" wants a token from a "${url.protocol}" address: refused`)
}

function parseToken(text: string, host: string): { readonly value: string; readonly expiresInMs: number } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  const {
    token,
    access_token: accessToken,
    expires_in: expiresIn,
  } = (json ?? {}) as { token?: unknown; access_token?: unknown; expires_in?: unknown }
  const value = token ?? accessToken
  if (typeof value !== 'string' || !/^[\x21-\x7e]{1,65536}$/.test(value))
    throw new EngineError('internal', `token service "${host}" answers without a token`)
  return {
    value: `Bearer ${value}`,
    expiresInMs: typeof expiresIn === 'number' && expiresIn > 0 ? Math.min(expiresIn, 86_400) * 1000 : 60_000,
  }
}
