// A registry in this process that can be told to misbehave. What it was asked is recorded.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Closeable, Digest } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'
import type { BuiltImage, BuiltIndex } from './images.js'

export interface RegistryRequest {
  readonly method: string
  readonly url: string
  readonly kind: 'manifest' | 'blob' | 'token' | 'other'
  /** A tag or a digest. */
  readonly reference: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** How many of this method and address came before. */
  readonly before: number
}
/** Answers by itself and returns true, or leaves it to the registry. */
export type Fault = (request: RegistryRequest, response: ServerResponse, registry: FakeRegistry) => boolean | void

export class FakeRegistry implements Closeable {
  readonly host: string
  readonly url: string
  /** Oldest first. */
  readonly requests: RegistryRequest[] = []
  /** May be replaced at any time. */
  fault: Fault = () => false
  /** What strangers are asked for. */
  auth: 'none' | 'bearer' | 'basic' = 'none'
  /** Left out of answers, in lower case. */
  readonly hiddenHeaders: Set<string> = new Set()
  readonly #blobs = new Map<string, { readonly bytes: Buffer; readonly mediaType: string }>()
  readonly #tags = new Map<string, Digest>()
  readonly #closed: Closeable

  constructor(host: string, close: () => Promise<void>) {
    this.host = host
    this.url = `http://${host}`
    this.#closed = closeable(close)
  }
  /** Resolves with the reference to pull. */
  add(repository: string, tag: string, root: BuiltImage | BuiltIndex): string {
    for (const [digest, bytes] of root.blobs) {
      const mediaType = bytes[0] === 0x7b ? (JSON.parse(bytes.toString()) as { mediaType?: string }).mediaType : undefined
      this.#blobs.set(digest, { bytes, mediaType: mediaType ?? 'application/octet-stream' })
    }
    this.#tags.set(`${repository}:${tag}`, root.target.digest)
    return `${this.host}/${repository}:${tag}`
  }
  /** Serves `bytes` where `digest` is asked for. */
  replace(digest: Digest, bytes: Buffer): void {
    const mediaType = this.#blobs.get(digest)?.mediaType ?? 'application/octet-stream'
    this.#blobs.set(digest, { bytes, mediaType })
  }
  bytes(reference: string): Buffer | undefined {
    return this.#blobs.get(reference)?.bytes
  }
  blobRequests(digest: Digest): readonly RegistryRequest[] {
    return this.requests.filter(({ kind, reference }) => kind === 'blob' && reference === digest)
  }

  handle(message: IncomingMessage, response: ServerResponse): void {
    const { method = 'GET', url = '/', headers } = message
    const [, repository = '', kinds, reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/?]+)/.exec(url) ?? []
    const kind = kinds === 'manifests' ? 'manifest' : kinds === 'blobs' ? 'blob' : url.startsWith('/token') ? 'token' : 'other'
    const before = this.requests.filter((other) => other.method === method && other.url === url).length
    const request: RegistryRequest = { method, url, kind, reference, headers, before }
    this.requests.push(request)
    if (this.fault(request, response, this) === true) return
    if (kind === 'token') {
      json(response, 200, { token: 'anonymous-token', expires_in: 300 })
      return
    }
    if (this.#refused(request, response)) return
    const found = this.#blobs.get(this.#tags.get(`${repository}:${reference}`) ?? reference)
    if (found === undefined) {
      json(response, 404, { errors: [{ code: 'NAME_UNKNOWN' }] })
      return
    }
    this.#serve(request, response, found.bytes, kind === 'manifest' ? found.mediaType : 'application/octet-stream')
  }
  close(): Promise<void> {
    return this.#closed.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #refused({ headers }: RegistryRequest, response: ServerResponse): boolean {
    if (this.auth === 'none' || (this.auth === 'bearer' && headers.authorization === 'Bearer anonymous-token')) return false
    const challenge =
      this.auth === 'basic' ? 'Basic realm="here"' : `Bearer realm="${this.url}/token",service="fake, really",scope="repository:any:pull"`
    response.setHeader('www-authenticate', challenge)
    json(response, 401, { errors: [{ code: 'UNAUTHORIZED' }] })
    return true
  }
  #serve({ method, kind, reference, headers }: RegistryRequest, response: ServerResponse, bytes: Buffer, mediaType: string): void {
    const digest = kind === 'manifest' ? ([...this.#blobs].find(([, blob]) => blob.bytes === bytes)?.[0] ?? reference) : reference
    const start = Number(/^bytes=(\d+)-$/.exec(String(headers.range ?? ''))?.[1] ?? 0)
    const all: Record<string, string> = {
      'content-type': mediaType,
      'docker-content-digest': digest,
      'content-length': String(bytes.length - start),
      ...(start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
    }
    for (const [name, value] of Object.entries(all)) if (!this.hiddenHeaders.has(name)) response.setHeader(name, value)
    response.writeHead(start > 0 ? 206 : 200)
    response.end(method === 'HEAD' ? undefined : bytes.subarray(start))
  }
}

export async function startFakeRegistry(): Promise<FakeRegistry> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const registry = new FakeRegistry(`127.0.0.1:${port}`, async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  server.on('request', (message, response) => {
    registry.handle(message, response)
  })
  return registry
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}
/** The beginning of an answer, then a broken connection. */
export function cut(response: ServerResponse, bytes: Buffer, after: number): void {
  response.writeHead(200, { 'content-length': String(bytes.length), 'content-type': 'application/octet-stream' })
  response.write(bytes.subarray(0, after), () => {
    response.destroy()
  })
}
