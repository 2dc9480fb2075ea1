// HTTP for registries: time limits, trusted certificates by host, and redirects that take no secret along.
import { Agent, request as send } from 'undici'
import { EngineError } from '../errors.js'
import type { Closeable } from '../model/common.js'
import { networkFailure } from './failures.js'
import type { RegistryOptions } from './options.js'

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Sent to the first host and to no other. */
  readonly authorization?: string | undefined
  readonly signal?: AbortSignal | undefined
}
export interface HttpResponse {
  readonly status: number
  /** Names in lower case. Of several of one name, the first. */
  header(name: string): string | undefined
  /** All of that name. */
  headers(name: string): readonly string[]
  /** Fails with `unavailable` when it is cut or goes silent. Must be read or discarded. */
  readonly body: AsyncIterable<Uint8Array>
  /** Frees the connection. Never rejects. */
  discard(): Promise<void>
}
export interface Timeouts {
  readonly connectMs: number
  readonly headersMs: number
  /** Without a byte. */
  readonly bodyMs: number
}
const defaultTimeouts: Timeouts = { connectMs: 30_000, headersMs: 60_000, bodyMs: 60_000 }
const maxRedirects = 5

export class Transport implements Closeable {
  readonly #options: RegistryOptions
  readonly #timeouts: Timeouts
  readonly #agents = new Map<string, Agent>()

  constructor(options: RegistryOptions, timeouts: Timeouts = defaultTimeouts) {
    this.#options = options
    this.#timeouts = timeouts
  }
  /** Follows redirects, keeping `headers`. Any other status is an answer. */
  async request(request: HttpRequest): Promise<HttpResponse> {
    let { url } = request
    for (let redirects = 0; ; redirects++) {
      const authorization = url.origin === request.url.origin ? request.authorization : undefined
      const response = await this.#once({ ...request, url, authorization })
      const location = [301, 302, 303, 307, 308].includes(response.status) ? response.header('location') : undefined
      if (location === undefined) return response
      await response.discard()
      if (redirects >= maxRedirects)
        throw new EngineError('internal', `registry "${request.url.host}" redirects more than ${maxRedirects} times`)
      url = redirectTarget(url, location)
    }
  }
  async close(): Promise<void> {
    const agents = [...this.#agents.values()]
    this.#agents.clear()
    await Promise.all(agents.map((agent) => agent.destroy().catch(() => undefined)))
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #once({ method, url, headers, authorization, signal }: HttpRequest): Promise<HttpResponse> {
    signal?.throwIfAborted()
    const failed = (error: unknown): unknown => (signal?.aborted === true ? signal.reason : networkFailure(url.host, error))
    try {
      const {
        statusCode,
        headers: received,
        body,
      } = await send(url, {
        method,
        dispatcher: this.#agent(url.host),
        signal: signal ?? null,
        headers: { 'user-agent': 'pouch-sdk', ...headers, ...(authorization === undefined ? {} : { authorization }) },
      })
      const all = (name: string): readonly string[] => [received[name] ?? []].flat()
      return {
        status: statusCode,
        header: (name) => all(name)[0],
        headers: all,
        body: mapErrors(body as AsyncIterable<Uint8Array>, failed),
        discard: () => body.dump({ limit: 64 << 10, ...(signal === undefined ? {} : { signal }) }).catch(() => undefined),
      }
    } catch (error) {
      throw failed(error)
    }
  }
  #agent(host: string): Agent {
    const ca = this.#options.hosts?.[host]?.ca ?? ''
    let agent = this.#agents.get(ca)
    if (agent === undefined) {
      const { connectMs, headersMs, bodyMs } = this.#timeouts
      agent = new Agent({ connect: { timeout: connectMs, ...(ca === '' ? {} : { ca }) }, headersTimeout: headersMs, bodyTimeout: bodyMs })
      this.#agents.set(ca, agent)
    }
    return agent
  }
}

function redirectTarget(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw new EngineError('internal', `registry "${from.host}" redirects to what is no address`)
  const to = new URL(location, from)
  to.username = to.password = ''
  if (to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')) return to
  throw new EngineError('permission_denied', `registry "${from.host}" redirects from ${from.protocol}// to ${to.protocol}//: refused`)
}

async function* mapErrors(body: AsyncIterable<Uint8Array>, failed: (error: unknown) => unknown): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch (error) {
    throw failed(error)
  }
}
