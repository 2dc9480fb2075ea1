// Which endpoint a URL or a path means.
import { EngineError } from '../../../errors.js'
import type { Endpoint } from './endpoint.js'
import { sshEndpoint } from './ssh.js'
import { pathEndpoint, tcpEndpoint, type TlsMaterial } from './socket.js'

export interface Tls {
  readonly ca?: string | Uint8Array | undefined
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | undefined
  readonly verify?: boolean | undefined
}
export interface Target {
  readonly socketPath?: string | undefined
  readonly url?: string | undefined
  readonly tls?: Tls | undefined
}

const plainPort = 2375
const tlsPort = 2376

export function toEndpoint({ socketPath, url, tls }: Target): Endpoint {
  if (socketPath !== undefined) return pathEndpoint(socketPath)
  const parsed = parse(url ?? '')
  switch (parsed.protocol) {
    case 'unix:':
      return pathEndpoint(pathOf(parsed))
    case 'npipe:':
      return pathEndpoint(pipeOf(url ?? ''))
    case 'tcp:':
    case 'http:':
      return tcp(parsed, tls)
    case 'https:':
      return tcp(parsed, tls ?? {})
    case 'ssh:':
      return ssh(parsed)
    default:
      throw new EngineError('invalid_argument', `a URL that begins with "${parsed.protocol}" names no daemon of this kind`)
  }
}

function parse(text: string): URL {
  try {
    return new URL(text)
  } catch {
    throw new EngineError('invalid_argument', 'the URL is none') // not repeated: it may have a password
  }
}

/** `npipe:////./pipe/docker_engine` is `//./pipe/docker_engine`, whose dot a URL's path would lose. */
function pipeOf(text: string): string {
  const path = /^npipe:\/\/(\/\/[^/]+\/pipe\/[^/?#]+)$/i.exec(text)?.[1]
  if (path === undefined) throw new EngineError('invalid_argument', 'a URL that begins with "npipe:" is npipe:////HOST/pipe/NAME')
  return path
}

function pathOf(url: URL): string {
  let path: string
  try {
    path = decodeURIComponent(url.pathname)
  } catch {
    path = ''
  }
  if (url.host !== '' || !path.startsWith('/') || path === '/' || path.includes('\0'))
    throw new EngineError(
      'invalid_argument',
      `a URL that begins with "${url.protocol}" goes on with an absolute path: ${url.protocol}///PATH`,
    )
  return path
}

function ssh(url: URL): Endpoint {
  if (url.password !== '') throw new EngineError('invalid_argument', 'a URL of ssh has no password: use keys')
  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text)
    } catch {
      throw new EngineError('invalid_argument', 'the URL of ssh is malformed')
    }
  }
  const path = decode(url.pathname)
  return sshEndpoint({
    host: decode(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? undefined : Number(url.port),
    user: url.username === '' ? undefined : decode(url.username),
    socketPath: path === '' || path === '/' ? undefined : path,
  })
}

function tcp(url: URL, tls: Tls | undefined): Endpoint {
  if (url.username !== '' || url.password !== '') throw new EngineError('invalid_argument', 'a URL of a daemon has no user')
  if (url.pathname !== '' && url.pathname !== '/') throw new EngineError('invalid_argument', 'a URL of a daemon has no path')
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === '') throw new EngineError('invalid_argument', 'the URL names no host')
  const fallback = url.protocol === 'http:' ? 80 : url.protocol === 'https:' ? 443 : tls === undefined ? plainPort : tlsPort
  return tcpEndpoint(host, url.port === '' ? fallback : Number(url.port), tls === undefined ? undefined : material(tls))
}

function material({ ca, cert, key, verify }: Tls): TlsMaterial {
  if ((cert === undefined) !== (key === undefined)) throw new EngineError('invalid_argument', '"tls" has "cert" and "key" both or none')
  const pem = (value: string | Uint8Array | undefined): string | Buffer | undefined =>
    value === undefined || typeof value === 'string' ? value : Buffer.from(value)
  return { ca: pem(ca), cert: pem(cert), key: pem(key), verify }
}
