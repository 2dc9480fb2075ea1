// A daemon that answers as a recorded one did (`test/fixtures`), and is strict about what it is asked: each request must be the one that
// the test expects, whole. What was not expected, or differs, is answered with 418 and told by `verify`.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'
import { answer, chunk, head, lastChunk, type RawRequest, startScriptedDaemon, type Wire } from './scripted-daemon.js'

/** As it was recorded. `body` is JSON, text or nothing; bytes that are no text are `bodyBase64`, a stream of JSON objects is `bodyLines`. */
export interface Recorded {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly framing: 'none' | 'content-length' | 'chunked' | 'until-close (hijacked)'
  /** `client-closed...`: it went on for as long as anybody listened. */
  readonly ended: string
  readonly body?: unknown
  readonly bodyBase64?: string
  readonly bodyLines?: readonly unknown[]
}
export interface Expected {
  readonly method: string
  /** With the version. */
  readonly path: string
  /** Exactly these, or like these patterns; filters as the object that their JSON is. Default none. */
  readonly query?: Readonly<Record<string, unknown>>
  /** Exactly this JSON, this text, or what the function finds right (it throws else). Default none. */
  readonly body?: unknown
  /** At least these. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** For a connection that is taken over: what comes before the half-close. Default: nothing is waited for. */
  readonly input?: string
  /** Served as often as it is asked, once at least, until something else is expected of the same method and path. Default: served once. */
  readonly repeats?: boolean
}
export interface Replay extends Closeable {
  readonly socketPath: string
  /** Served once, in this order for the same method and path. */
  expect(request: Expected, recorded: Recorded): void
  /** `METHOD path` of all requests so far, in order. */
  readonly asked: readonly string[]
  /** Throws unless everything that was expected was asked, and nothing else. */
  verify(): void
}

/** All answers of one fixture, by the name of their exchange. */
export async function recordings(name: string): Promise<(exchange: string) => Recorded> {
  const path = fileURLToPath(new URL(`../fixtures/${name}.json`, import.meta.url))
  const { exchanges } = JSON.parse(await readFile(path, 'utf8')) as { readonly exchanges: Readonly<Record<string, Recorded>> }
  return (exchange) => {
    const found = exchanges[exchange]
    assert(found !== undefined, `"${name}" has no "${exchange}"`)
    return found
  }
}

export async function startReplay(): Promise<Replay> {
  const daemon = await startScriptedDaemon()
  const steps: { readonly request: Expected; readonly recorded: Recorded; asked: boolean }[] = []
  const asked: string[] = []
  const problems: string[] = []
  const serve = async (wire: Wire, request: RawRequest): Promise<void> => {
    const [path = ''] = request.target.split('?', 1)
    asked.push(`${request.method} ${path}`)
    const at = steps.findIndex((step) => step.request.method === request.method && step.request.path === path)
    const step = steps[at]
    if (step !== undefined) step.asked = true
    if (step !== undefined && step.request.repeats !== true) steps.splice(at, 1)
    try {
      assert(step !== undefined, `${request.method} ${request.target} was not expected`)
      compare(request, step.request)
    } catch (error) {
      problems.push(`${request.method} ${request.target}: ${(error as Error).message}`)
      await wire.write(answer(418, { message: (error as Error).message }))
      return
    }
    await reply(wire, step.recorded, step.request.input)
  }
  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) daemon.on(method, /^/, serve)
  return {
    socketPath: daemon.socketPath,
    asked,
    expect(request, recorded) {
      const over = steps.findIndex((step) => step.asked && step.request.method === request.method && step.request.path === request.path)
      if (over !== -1) steps.splice(over, 1)
      steps.push({ request, recorded, asked: false })
    },
    verify() {
      const missing = steps.flatMap(({ request: { method, path }, asked: was }) => (was ? [] : [`${method} ${path} was not asked`]))
      assert.deepEqual([...problems, ...missing], [])
    },
    ...closeable(() => daemon.close()),
  }
}

function compare(request: RawRequest, { query = {}, body, headers = {} }: Expected): void {
  const theirs = Object.fromEntries(
    [...request.query].map(([name, value]) => [name, value.startsWith('{') ? (JSON.parse(value) as unknown) : value]),
  )
  const wanted = Object.entries(query).map(([name, value]) => {
    const alike = value instanceof RegExp && typeof theirs[name] === 'string' && value.test(theirs[name])
    return [name, alike ? theirs[name] : value]
  })
  assert.deepEqual(theirs, Object.fromEntries(wanted), 'the query differs')
  const seen = Object.fromEntries(Object.keys(headers).map((name) => [name, request.headers[name]]))
  assert.deepEqual(seen, { ...headers }, 'the headers differ')
  const text = request.body.toString()
  if (typeof body === 'function') (body as (bytes: Buffer) => void)(request.body)
  else if (typeof body === 'string' || body === undefined) assert.equal(text, body ?? '', 'the body differs')
  else assert.deepEqual(JSON.parse(text), body, 'the body differs')
}

async function reply(wire: Wire, recorded: Recorded, input: string | undefined): Promise<void> {
  const { status, headers, framing, ended } = recorded
  const bytes = bytesOf(recorded)
  if (framing === 'none' || framing === 'content-length') return wire.write(...answerOf(recorded))
  await wire.write(head(status, headers))
  if (framing === 'chunked') {
    if (bytes.length > 0) await wire.write(chunk(bytes))
    if (ended.startsWith('client-closed')) await wire.closed
    return wire.write(lastChunk)
  }
  if (input !== undefined) {
    const said: Buffer[] = []
    for await (const part of wire.input()) said.push(part)
    assert.equal(Buffer.concat(said).toString(), input)
  }
  await wire.write(bytes)
  if (ended.startsWith('client-closed')) await wire.closed
  wire.socket.end()
}

/** Of one that ends by itself: head and body, framed as it was. */
export function answerOf(recorded: Recorded): readonly (string | Uint8Array)[] {
  const { status, headers, framing } = recorded
  if (framing === 'none') return [head(status, headers)]
  const bytes = bytesOf(recorded)
  if (framing === 'content-length') return [head(status, { ...headers, 'Content-Length': String(bytes.length) }), bytes]
  return [head(status, headers), ...(bytes.length > 0 ? [chunk(bytes)] : []), lastChunk]
}

function bytesOf({ body, bodyBase64, bodyLines, headers }: Recorded): Buffer {
  if (bodyBase64 !== undefined) return Buffer.from(bodyBase64, 'base64')
  // pouchd's transfers have nothing between their objects.
  const newline = headers['Content-Type']?.startsWith('text/plain') === true ? '' : '\n'
  if (bodyLines !== undefined) return Buffer.from(bodyLines.map((line) => JSON.stringify(line) + newline).join(''))
  if (body === undefined) return Buffer.alloc(0)
  if (typeof body !== 'string') return Buffer.from(`${JSON.stringify(body)}\n`)
  return Buffer.from(headers['Content-Type'] === 'application/json' && !body.endsWith('\n') ? `${body}\n` : body)
}
