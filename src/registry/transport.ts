// HTTP for registries: time limits, trusted certificates by host, and redirects that take no secret along.
import * as http from 'node:http'
import * as https from 'node:https'
import type { TLSSocket } from 'node:tls'
import { EngineError } from '../errors.js'
import type { Closeable } from '../model/common.js'
import { pieces } from '../util/pieces.js'
import { cutError, networkFailure } from './failures.js'
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
const mostDiscarded = 64 << 10

export class Transport implements Closeable {
  readonly #options: RegistryOptions
  readonly #timeouts: Timeouts
  readonly #agents = new Map<string, http.Agent>()

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
    for (const agent of agents) agent.destroy()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #once({ method, url, headers, authorization, signal }: HttpRequest): Promise<HttpResponse> {
    signal?.throwIfAborted()
    const failed = (error: unknown): unknown => (signal?.aborted === true ? signal.reason : networkFailure(url.host, error))
    try {
      const all = { 'user-agent': 'pouch-sdk', ...headers, ...(authorization === undefined ? {} : { authorization }) }
      const send = url.protocol === 'https:' ? https.request : http.request
      const response = await answer(send(url, { method, headers: all, agent: this.#agent(url), signal }), this.#timeouts)
      const received = response.headersDistinct
      return {
        status: response.statusCode ?? 0,
        header: (name) => received[name]?.[0],
        headers: (name) => received[name] ?? [],
        body: bodyOf(response, this.#timeouts.bodyMs, failed),
        discard: () => discard(response, this.#timeouts.bodyMs),
      }
    } catch (error) {
      throw failed(error)
    }
  }
  #agent({ protocol, host }: URL): http.Agent {
    const ca = this.#options.hosts?.[host]?.ca ?? ''
    const key = `${protocol} ${ca}`
    let agent = this.#agents.get(key)
    if (agent === undefined) {
      // Of sockets: what waits for a reader.
      const options = { keepAlive: true, highWaterMark: 256 << 10 }
      agent = protocol === 'https:' ? new https.Agent({ ...options, ...(ca === '' ? {} : { ca }) }) : new http.Agent(options)
      this.#agents.set(key, agent)
    }
    return agent
  }
}

/** Resolves when the headers are here. */
function answer(request: http.ClientRequest, { connectMs, headersMs }: Timeouts): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const late = (code: string): void => void request.destroy(Object.assign(new Error('timed out'), { code }))
    let timer = setTimeout(late, connectMs, 'CONNECT_TIMEOUT')
    const connected = (): void => {
      clearTimeout(timer)
      timer = setTimeout(late, headersMs, 'HEADERS_TIMEOUT')
    }
    request
      .once('socket', (socket: TLSSocket) => {
        if (request.reusedSocket) connected()
        else socket.once(socket.encrypted === true ? 'secureConnect' : 'connect', connected)
      })
      .once('response', resolve)
      .on('error', reject)
      .once('close', () => {
        clearTimeout(timer)
      })
      .once('response', () => {
        clearTimeout(timer)
      })
      .end()
  })
}

/** The time limit is for what is sent, not for who reads. */
async function* bodyOf(response: http.IncomingMessage, idleMs: number, failed: (error: unknown) => unknown): AsyncGenerator<Uint8Array> {
  let isAwaited = true
  const timer = setTimeout(() => {
    if (isAwaited) response.destroy(Object.assign(new Error('timed out'), { code: 'BODY_TIMEOUT' }))
  }, idleMs)
  try {
    for await (const piece of pieces(response)) {
      isAwaited = false
      yield piece
      isAwaited = true
      timer.refresh()
    }
  } catch (error) {
    throw failed((error as NodeJS.ErrnoException).code === 'ECONNRESET' ? cutError() : error)
  } finally {
    clearTimeout(timer)
  }
}

/** Small ones are read to their end, so that the connection can be used again. */
async function discard(response: http.IncomingMessage, idleMs: number): Promise<void> {
  let bytes = 0
  try {
    for await (const piece of bodyOf(response, idleMs, (error) => error)) {
      bytes += piece.length
      if (bytes > mostDiscarded) return
    }
  } catch {
    // the connection is gone
  }
}

function redirectTarget(from: URL, location: string): URL {
  if (!URL.canParse(location, from.href)) throw new EngineError('internal', `registry "${from.host}" redirects to what is no address`)
  const to = new URL(location, from)
  to.username = to.password = ''
  if (to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')) return to
  throw new EngineError('permission_denied', `registry "${from.host}" redirects from ${from.protocol}// to ${to.protocol}//: refused`)
}
