// A blob as one stream, however often its connection breaks.
import { EngineError } from '../errors.js'
import { sleep } from '../util/abort.js'
import { cutFailure, isTransient } from './failures.js'
import { backoffMs, type RetryPolicy } from './retry.js'
import type { HttpResponse } from './transport.js'

export interface BlobRead {
  readonly what: string
  readonly size: number
  readonly offset: number
  readonly retry: RetryPolicy
  readonly signal?: AbortSignal | undefined
}
export interface BlobPosition {
  readonly what: string
  readonly size: number
  readonly position: number
  readonly host: string
}
/** So much between two breaks makes them count anew: a large blob over a bad line gets there. */
const progressBytes = 1 << 20

export async function* readBlob(
  { size, offset, retry, signal }: BlobRead,
  open: (position: number) => Promise<AsyncIterable<Uint8Array>>,
): AsyncGenerator<Uint8Array> {
  let position = offset
  let lastBreak = offset
  let breaks = 0
  while (position < size) {
    try {
      for await (const bytes of await open(position)) {
        position += bytes.length
        yield bytes
        if (position > size) return
      }
      return
    } catch (error) {
      if (!isTransient(error)) throw error
      breaks = position - lastBreak >= progressBytes ? 1 : breaks + 1
      lastBreak = position
      if (breaks > retry.retries) throw error
      await (retry.sleep ?? sleep)(backoffMs(breaks - 1, retry), signal)
    }
  }
}

/** The bytes from `position` on, also of a server that cannot start there. Throws `data_loss` when headers tell another size. */
export async function openBlob(
  { what, size, position, host }: BlobPosition,
  send: (headers: Readonly<Record<string, string>>) => Promise<HttpResponse>,
): Promise<AsyncIterable<Uint8Array>> {
  const response = await send(position > 0 ? { range: `bytes=${position}-` } : {})
  const refuse = async (error: EngineError): Promise<never> => {
    await response.discard()
    throw error
  }
  const lies = (bytes: string): EngineError =>
    new EngineError('data_loss', `registry "${host}" has ${bytes} bytes of ${what}, its manifest says ${size}`)
  if (response.header('content-type')?.startsWith('text/html') === true) {
    return refuse(new EngineError('internal', `registry "${host}" answers a web page for ${what}`))
  }
  const length = response.header('content-length')
  // Chunks have an end of their own; without them and without a length, an end may as well be a cut.
  const endless = length === undefined && response.header('transfer-encoding') === undefined
  if (response.status === 416) return refuse(lies('fewer'))
  if (response.status === 206) {
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.header('content-range') ?? '') ?? []
    if (Number(start) !== position)
      return refuse(new EngineError('internal', `registry "${host}" answers another range of ${what} than asked for`))
    if (total !== undefined && total !== '*' && Number(total) !== size) return refuse(lies(total))
    return whole(response, host, endless ? size - position : 0)
  }
  if (length !== undefined && Number(length) !== size) return refuse(lies(length))
  return skip(whole(response, host, endless ? size : 0), position)
}

/** Fails like a broken connection when fewer than `least` bytes come. */
async function* whole({ body }: HttpResponse, host: string, least: number): AsyncGenerator<Uint8Array> {
  let length = 0
  for await (const bytes of body) {
    length += bytes.length
    yield bytes
  }
  if (length < least) throw cutFailure(host)
}
async function* skip(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let rest = count
  for await (const part of bytes) {
    if (part.length > rest) yield rest === 0 ? part : part.subarray(rest)
    rest = Math.max(0, rest - part.length)
  }
}
