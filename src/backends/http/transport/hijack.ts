// A connection that is taken over after the head of the answer: 101, or 200 from pouchd and from behind some proxies.
import { type IncomingMessage, request as startRequest } from 'node:http'
import type { Duplex } from 'node:stream'
import { EngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import { raceAbort } from '../../../util/abort.js'
import type { Headers, Upgraded } from '../calls.js'
import { HttpFailure, type RequestName } from '../errors.js'
import { said } from './body.js'
import type { WireRequest } from './request.js'

export interface TakeOver extends Pick<WireRequest, 'target' | 'headers' | 'body'> {
  readonly socket: Duplex
  readonly host: string
  readonly request: RequestName
  /** Makes of what breaks the connection later the error to throw. */
  fail(error: unknown): EngineError
}
interface Head {
  readonly message: IncomingMessage
  /** What came with the head. */
  readonly first: Uint8Array
  readonly upgraded: boolean
}

export async function takeOver(over: TakeOver, options: CallOptions): Promise<Upgraded> {
  try {
    const head = await raceAbort(headOf(over), options.signal)
    const { statusCode = 0 } = head.message
    if (!head.upgraded && (statusCode < 200 || statusCode > 299))
      throw new HttpFailure(over.request, statusCode, await raceAbort(said(head.message), options.signal))
    return new TakenOver(over, head)
  } catch (error) {
    over.socket.destroy()
    throw error
  }
}

function headOf({ socket, host, target, headers, body }: TakeOver): Promise<Head> {
  return new Promise((resolve, reject) => {
    const text = typeof body === 'string' ? body : ''
    const request = startRequest({
      method: 'POST',
      path: target,
      headers: { ...headers, host, connection: 'Upgrade', upgrade: 'tcp', 'content-length': Buffer.byteLength(text) },
      createConnection: () => socket,
    })
    request.once('upgrade', (message, _socket, first) => {
      resolve({ message, first, upgraded: true })
    })
    request.once('response', (message) => {
      resolve({ message, first: new Uint8Array(), upgraded: false })
    })
    request.on('error', reject)
    request.once('close', () => {
      reject(new Error('closed before it answered'))
    })
    request.end(text)
  })
}

class TakenOver implements Upgraded {
  readonly headers: Headers
  readonly output: AsyncIterable<Uint8Array>
  readonly #over: TakeOver
  #ended: Promise<void> | undefined
  #error: unknown

  constructor(over: TakeOver, { message, first, upgraded }: Head) {
    this.#over = over
    this.headers = Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    )
    over.socket.on('error', (error) => {
      this.#error ??= error
    })
    this.output = this.#read(first, upgraded ? over.socket : message)
  }

  async write(bytes: Uint8Array, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const { socket } = this.#over
    if (this.#ended !== undefined) throw new EngineError('failed_precondition', 'this connection takes no more input: it was ended')
    if (socket.destroyed || !socket.writable) throw this.#lost()
    const written = new Promise<void>((resolve, reject) => {
      socket.write(bytes, (error) => {
        if (error) reject(this.#lost(error))
        else resolve()
      })
    })
    await raceAbort(written, signal)
  }

  async end({ signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    const { socket } = this.#over
    this.#ended ??= new Promise((resolve) => {
      if (socket.destroyed || socket.writableEnded) resolve()
      else {
        socket.once('close', resolve)
        socket.end(resolve)
      }
    })
    await raceAbort(this.#ended, signal)
  }

  async close(): Promise<void> {
    this.#over.socket.destroy()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async *#read(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { socket } = this.#over
    try {
      if (first.length > 0) yield first
      for await (const chunk of rest) yield chunk
    } catch (error) {
      throw this.#lost(error)
    } finally {
      socket.destroy()
    }
  }
  #lost(error?: unknown): EngineError {
    return this.#over.fail(error ?? this.#error ?? new Error('it is closed'))
  }
}
