// A daemon that says, byte by byte, what a test tells it to. It introduces itself as a Docker; every other request must have a script.
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'

export interface RawRequest {
  readonly method: string
  /** Path and query as they came. */
  readonly target: string
  /** Without version and query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}
/** One connection in the middle of one request. What comes after the request is `input`, and the next request once the script has resolved. */
export interface Wire {
  readonly socket: Socket
  write(...parts: readonly (string | Uint8Array)[]): Promise<void>
  /** Bytes that come after the request; ends when the other side ends. For a connection that was taken over. */
  input(): AsyncIterable<Buffer>
  /** As when the daemon dies. */
  cut(): void
  /** Resolves when the other side has closed, or this one. */
  readonly closed: Promise<void>
}
export type Script = (wire: Wire, request: RawRequest) => Promise<void> | void

export interface ScriptedDaemon extends Closeable {
  readonly socketPath: string
  /** All requests, in order. */
  readonly requests: readonly RawRequest[]
  /** Those without a script. A test that is served well has none. */
  readonly unexpected: readonly string[]
  /** Connections that are open. */
  readonly open: number
  /** Connections that there ever were. */
  readonly accepted: number
  /** `GET /containers/json`; the path may be a pattern. The latest one that fits wins. */
  on(method: string, path: string | RegExp, script: Script): void
}

/** An answer with its length in the head. */
export function answer(status: number, body: string | object = '', headers: Readonly<Record<string, string>> = {}): string {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`
  const all = {
    ...(typeof body === 'object' && { 'Content-Type': 'application/json' }),
    'Content-Length': String(Buffer.byteLength(text)),
    ...headers,
  }
  return `${head(status, all)}${text}`
}
/** A head and no more. */
export function head(status: number, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${status === 101 ? 'UPGRADED' : 'Whatever'}\r\n${lines.join('')}\r\n`
}
export const chunkedHead: string = head(200, { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' })
export function chunk(bytes: string | Uint8Array): Buffer {
  const body = Buffer.from(bytes)
  return Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')])
}
export const lastChunk: string = '0\r\n\r\n'
/** As a daemon frames the output of a process without a terminal. */
export function frame(stream: 'stdin' | 'stdout' | 'stderr', bytes: string | Uint8Array): Buffer {
  const body = Buffer.from(bytes)
  const header = Buffer.alloc(8)
  header[0] = ['stdin', 'stdout', 'stderr'].indexOf(stream)
  header.writeUInt32BE(body.length, 4)
  return Buffer.concat([header, body])
}
/** A script that answers so, whatever the request says. */
export const says =
  (...parts: readonly (string | Uint8Array)[]): Script =>
  (wire) =>
    wire.write(...parts)

export async function startScriptedDaemon(): Promise<ScriptedDaemon> {
  const directory = await mkdtemp(join(tmpdir(), 'scripted-'))
  const socketPath = join(directory, 'sock')
  const routes: { readonly method: string; readonly path: string | RegExp; readonly script: Script }[] = []
  const requests: RawRequest[] = []
  const unexpected: string[] = []
  const sockets = new Set<Socket>()
  let accepted = 0
  const serve = async (wire: Wire, request: RawRequest): Promise<void> => {
    requests.push(request)
    const route = routes.findLast(({ method, path }) => {
      return method === request.method && (typeof path === 'string' ? path === request.path : path.test(request.path))
    })
    if (route !== undefined) return route.script(wire, request)
    unexpected.push(`${request.method} ${request.path}`)
    await wire.write(answer(418, { message: `no script for ${request.method} ${request.path}` }))
  }
  // Half-open, as Go's servers are once a connection was taken over.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted += 1
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket)).on('error', () => {})
    void converse(socket, serve)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(socketPath, resolve)
  })
  const daemon: ScriptedDaemon = {
    socketPath,
    requests,
    unexpected,
    get open() {
      return sockets.size
    },
    get accepted() {
      return accepted
    },
    on(method, path, script) {
      routes.push({ method, path, script })
    },
    ...closeable(async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(directory, { recursive: true, force: true })
    }),
  }
  daemon.on('GET', '/_ping', says(answer(200, 'OK', { 'Api-Version': '1.41', 'Docker-Experimental': 'false', Ostype: 'linux' })))
  daemon.on(
    'GET',
    '/version',
    says(answer(200, { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12', Os: 'linux', Arch: 'amd64' })),
  )
  daemon.on('GET', '/info', says(answer(200, information)))
  // What was left by owners that were killed is looked for at the first meeting.
  daemon.on('GET', '/containers/json', says(answer(200, [])))
  return daemon
}

const information = {
  ID: 'SCRIPTED',
  Name: 'scripted',
  ServerVersion: '20.10.24',
  OSType: 'linux',
  Architecture: 'x86_64',
  NCPU: 2,
  MemTotal: 1 << 30,
  Driver: 'overlay2',
  DockerRootDir: '/var/lib/docker',
  CgroupDriver: 'cgroupfs',
  CgroupVersion: '1',
  DefaultRuntime: 'runc',
  Runtimes: { runc: { path: 'runc' } },
  LoggingDriver: 'json-file',
  KernelVersion: '6.1.0',
  OperatingSystem: 'Nowhere',
  Plugins: { Volume: ['local'], Network: ['bridge', 'host', 'null'], Log: ['json-file', 'none'] },
  SecurityOptions: ['name=seccomp,profile=default'],
  Labels: [],
}

/** What comes over a connection, read without being asked, so that its end is seen in the middle of a script, too. */
class Incoming {
  #bytes: Buffer = Buffer.alloc(0)
  #ended = false
  #news: () => void = () => {}
  /** Set by whoever reads to the end: then an end is no reason to close. */
  halfClose = false
  constructor(socket: Socket) {
    const tell = (): void => {
      this.#news()
    }
    socket.on('data', (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes])
      tell()
    })
    socket.once('end', () => {
      this.#ended = true
      if (!this.halfClose) socket.destroy()
      tell()
    })
    socket.once('close', () => {
      this.#ended = true
      tell()
    })
  }
  /** Undefined: it ended before. */
  async take(size: number): Promise<Buffer | undefined> {
    while (this.#bytes.length < size) if (!(await this.#more())) return undefined
    const taken = this.#bytes.subarray(0, size)
    this.#bytes = this.#bytes.subarray(size)
    return taken
  }
  /** What comes before `mark`, which is taken, too. */
  async takeUntil(mark: string): Promise<string | undefined> {
    for (;;) {
      const at = this.#bytes.indexOf(mark)
      if (at !== -1) return (await this.take(at + mark.length))?.subarray(0, at).toString('latin1')
      if (!(await this.#more())) return undefined
    }
  }
  async *rest(): AsyncGenerator<Buffer> {
    this.halfClose = true
    do {
      const taken = await this.take(this.#bytes.length)
      if (taken !== undefined && taken.length > 0) yield taken
    } while (await this.#more())
  }
  async #more(): Promise<boolean> {
    const { length } = this.#bytes
    if (this.#ended) return false
    await new Promise<void>((resolve) => {
      this.#news = resolve
    })
    return this.#bytes.length > length || !this.#ended
  }
}

/** Requests of one connection, in turn. */
async function converse(socket: Socket, serve: (wire: Wire, request: RawRequest) => Promise<void>): Promise<void> {
  const incoming = new Incoming(socket)
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve()
    })
  })
  const wire: Wire = {
    socket,
    closed,
    async write(...parts) {
      for (const part of parts) {
        if (!socket.writable) return void (await closed)
        await new Promise<unknown>((resolve) => socket.write(part, resolve))
      }
    },
    input: () => incoming.rest(),
    cut() {
      socket.destroy()
    },
  }
  while (!socket.destroyed) {
    const text = await incoming.takeUntil('\r\n\r\n')
    if (text === undefined) break
    const [first = '', ...lines] = text.split('\r\n')
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    )
    const body =
      headers['transfer-encoding'] === 'chunked' ? await chunksOf(incoming) : await incoming.take(Number(headers['content-length'] ?? 0))
    if (body === undefined) break
    const [method = '', target = ''] = first.split(' ')
    const url = new URL(target, 'http://daemon')
    await serve(wire, { method, target, path: url.pathname.replace(/^\/v[\d.]+(?=\/)/, ''), query: url.searchParams, headers, body })
  }
  socket.destroy()
}

async function chunksOf(incoming: Incoming): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  for (;;) {
    const line = await incoming.takeUntil('\r\n')
    const part = line === undefined ? undefined : await incoming.take(Number.parseInt(line, 16) + 2)
    if (part === undefined) return undefined
    if (part.length === 2) return Buffer.concat(parts)
    parts.push(part.subarray(0, -2))
  }
}
