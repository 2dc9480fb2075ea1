// The connection to one daemon: undici for exchanges, node:http for those that are taken over (undici loses every answer to them but 101).
import { performance } from 'node:perf_hooks'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Dispatcher, Pool } from 'undici'
import { EngineError, backendClosed, isEngineError } from '../../../errors.js'
import type { CallOptions, Closeable } from '../../../model/common.js'
import type { Trace } from '../../../model/trace.js'
import { raceAbort } from '../../../util/abort.js'
import { closeable } from '../../../util/closeable.js'
import type { Answer, Exchange, Headers, HttpCalls, Method, Upgraded } from '../calls.js'
import type { ErrorRule } from '../dialect.js'
import { type ErrorContext, HttpFailure, toEngineError } from '../errors.js'
import { readBody, said } from './body.js'
import type { Endpoint } from './endpoint.js'
import { Gate } from './gate.js'
import { takeOver } from './hijack.js'
import { jsonValues } from './json-stream.js'
import { toRequest } from './request.js'

export interface ChannelOptions {
  readonly endpoint: Endpoint
  readonly onTrace?: Trace | undefined
}
/** What is put before paths and how errors are read, once the daemon is known. */
export interface Manners {
  readonly prefix: string
  readonly rules: readonly ErrorRule[]
}

const quickConnections = 64
/** A daemon accepts so many at once without a full queue, which a unix socket answers with EAGAIN. */
const opensAtOnce = 64
const longestSilenceMs = 300_000
const mostJsonBytes = 64 * 1024 * 1024
const mostObjectBytes = 16 * 1024 * 1024

export class Channel implements HttpCalls {
  readonly #endpoint: Endpoint
  readonly #trace: Trace | undefined
  /** Short reads, in turn; and all that may take its time, each with a connection of its own. */
  readonly #quick: Pool
  readonly #patient: Pool
  readonly #gate: Gate = new Gate(opensAtOnce)
  readonly #open: Set<Duplex> = new Set()
  #manners: Manners = { prefix: '', rules: [] }
  #closed = false
  readonly #closing: Closeable = closeable(() => this.#shut())

  constructor({ endpoint, onTrace }: ChannelOptions) {
    this.#endpoint = endpoint
    this.#trace = onTrace
    const options: Pool.Options = {
      connect: (_, done) => {
        this.#connect().then(
          (socket) => {
            done(null, socket as Socket) // undici uses no more of it than any Duplex has
          },
          (error: Error) => {
            done(error, null)
          },
        )
      },
      keepAliveTimeout: endpoint.keepAliveMs,
      keepAliveMaxTimeout: endpoint.keepAliveMs,
    }
    const origin = `http://${endpoint.host}`
    this.#quick = new Pool(origin, { ...options, connections: endpoint.costly ? null : quickConnections })
    this.#patient = endpoint.costly ? this.#quick : new Pool(origin, { ...options, connections: null })
  }

  close(): Promise<void> {
    return this.#closing.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closing.close()
  }
  adopt(manners: Manners): void {
    this.#manners = manners
  }

  json(method: Method, path: string, exchange: Exchange = {}): Promise<unknown> {
    return this.#told(method, path, exchange, async () => {
      const quick = method === 'GET' && exchange.patient !== true && exchange.body === undefined
      const { statusCode, body } = await this.#send(method, path, exchange, quick)
      const text = await raceAbort(readBody(body, exchange.maxBytes ?? mostJsonBytes), exchange.signal)
      if (text.trim() === '' || exchange.accept?.includes(statusCode) === true) return undefined
      return parse(text, method, path)
    })
  }

  bytes(method: Method, path: string, exchange: Exchange = {}): Promise<Answer> {
    return this.#told(method, path, exchange, async () => {
      const { statusCode, headers, body } = await this.#send(method, path, exchange, false)
      return { status: statusCode, headers: plain(headers), body: this.#guarded(body, method, path, exchange) }
    })
  }

  async *lines(method: Method, path: string, exchange: Exchange = {}): AsyncGenerator<unknown, void, undefined> {
    const { body } = await this.bytes(method, path, exchange)
    try {
      yield* jsonValues(body, exchange.maxBytes ?? mostObjectBytes)
    } catch (error) {
      throw this.#failure(error, method, path, exchange)
    }
  }

  hijack(path: string, exchange: Exchange = {}): Promise<Upgraded> {
    return this.#told('POST', path, exchange, async () => {
      const { signal } = exchange
      const { target, headers, body } = toRequest(this.#manners.prefix + path, exchange)
      const socket = await this.#connect({ signal })
      const fail = (error: unknown): EngineError => toEngineError(error, this.#context('POST', path, exchange))
      return takeOver({ socket, host: this.#endpoint.host, target, headers, body, request: { method: 'POST', path }, fail }, { signal })
    })
  }

  async #send(method: Method, path: string, exchange: Exchange, quick: boolean): Promise<Dispatcher.ResponseData> {
    const { signal } = exchange
    const { target, headers, body, failedSource } = toRequest(this.#manners.prefix + path, exchange)
    const limit = quick ? longestSilenceMs : 0
    // undici gives a connection back one turn after its answer has ended; who asks at once would be given a new one.
    if (this.#endpoint.costly) await new Promise(setImmediate)
    const once = (): Promise<Dispatcher.ResponseData> =>
      (quick ? this.#quick : this.#patient).request({
        method,
        path: target,
        headers,
        body: (body ?? null) as never,
        signal,
        headersTimeout: limit,
        bodyTimeout: limit,
      })
    try {
      const response = await raceAbort(
        once().catch((error: unknown) => this.#again(error, method, exchange, once)),
        signal,
      )
      const { statusCode } = response
      if ((statusCode >= 200 && statusCode < 300) || exchange.accept?.includes(statusCode) === true) return response
      throw new HttpFailure({ method, path }, statusCode, await raceAbort(said(response.body), signal))
    } catch (error) {
      const source = failedSource?.()
      throw source === undefined ? error : source.error
    }
  }

  /** The daemon may have closed a connection that was kept, just when it was used again: a read is tried once more. */
  #again(
    error: unknown,
    method: Method,
    { signal }: Exchange,
    once: () => Promise<Dispatcher.ResponseData>,
  ): Promise<Dispatcher.ResponseData> {
    const stale = (method === 'GET' || method === 'HEAD') && broken.has((error as NodeJS.ErrnoException).code ?? '')
    if (!stale || this.#closed || signal?.aborted === true) throw error
    return once()
  }

  async *#guarded(body: Dispatcher.ResponseData['body'], method: Method, path: string, exchange: Exchange): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body) yield chunk as Uint8Array
    } catch (error) {
      throw this.#failure(error, method, path, exchange)
    } finally {
      body.destroy()
    }
  }

  async #connect(options: CallOptions = {}): Promise<Duplex> {
    using _turn = await this.#gate.enter(options)
    if (this.#closed) throw backendClosed()
    const socket = await this.#endpoint.open(options)
    if (this.#closed) {
      socket.destroy()
      throw backendClosed()
    }
    this.#open.add(socket)
    socket.once('close', () => {
      this.#open.delete(socket)
    })
    return socket
  }

  async #told<T>(method: Method, path: string, exchange: Exchange, work: () => Promise<T>): Promise<T> {
    exchange.signal?.throwIfAborted()
    const name = `${method} ${path}`
    const started = performance.now()
    const tell = (code?: string): void => {
      try {
        this.#trace?.({ kind: 'call', name, durationMs: performance.now() - started, code })
      } catch {
        /* a tracer's own bug is not the call's */
      }
    }
    try {
      if (this.#closed) throw backendClosed()
      const result = await work()
      tell()
      return result
    } catch (error) {
      const failure = this.#failure(error, method, path, exchange)
      tell(isEngineError(failure) ? failure.code : 'aborted')
      throw failure
    }
  }

  #failure(error: unknown, method: Method, path: string, exchange: Exchange): unknown {
    const { signal } = exchange
    if (signal?.aborted === true) return signal.reason
    if (this.#closed && !isEngineError(error)) return backendClosed(error)
    return toEngineError(error, this.#context(method, path, exchange))
  }
  #context(method: Method, path: string, { subject }: Exchange): ErrorContext {
    return { request: { method, path }, daemon: this.#endpoint.name, subject, rules: this.#manners.rules }
  }

  async #shut(): Promise<void> {
    this.#closed = true
    const gone = backendClosed()
    await Promise.all([this.#quick.destroy(gone), this.#patient.destroy(gone)].map((one) => one.catch(() => {})))
    await Promise.all([...this.#open].map(destroyed))
    await this.#endpoint.close()
  }
}

const broken: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

function destroyed(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', resolve).destroy()
  })
}

function parse(text: string, method: Method, path: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const shown = text.length > 200 ? `${text.slice(0, 200)}...` : text
    throw new EngineError('internal', `the daemon answered ${method} "${path}" with what is no JSON: ${JSON.stringify(shown)}`, {
      cause: error,
    })
  }
}

function plain(headers: Dispatcher.ResponseData['headers']): Headers {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]))
}
