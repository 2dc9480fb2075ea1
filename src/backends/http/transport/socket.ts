// Connections by the system's sockets: unix sockets and named pipes by path, TCP and TLS by host and port.
import { type NetConnectOpts, type Socket, createConnection } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { CallOptions } from '../../../model/common.js'
import { onAbort } from '../../../util/abort.js'
import type { Endpoint } from './endpoint.js'

/** PEM texts. */
export interface TlsMaterial {
  readonly ca?: string | Buffer | undefined
  readonly cert?: string | Buffer | undefined
  readonly key?: string | Buffer | undefined
  /** Default true: who cannot prove to be the host is refused. */
  readonly verify?: boolean | undefined
}

const connectMs = 10_000
const keepAliveMs = 4_000

/** A unix socket, or a named pipe of Windows. */
export function pathEndpoint(path: string): Endpoint {
  return {
    name: path,
    host: 'localhost',
    costly: false,
    keepAliveMs,
    open: (options) => opened(createConnection({ path, allowHalfOpen: true }), 'connect', path, options),
    async close() {},
  }
}

export function tcpEndpoint(host: string, port: number, tls?: TlsMaterial): Endpoint {
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  const options: NetConnectOpts & { readonly allowHalfOpen: boolean } = { host, port, allowHalfOpen: true, noDelay: true, keepAlive: true }
  return {
    name: authority,
    host: authority,
    costly: false,
    keepAliveMs,
    open(call) {
      if (tls === undefined) return opened(createConnection(options), 'connect', authority, call)
      const { ca, cert, key, verify = true } = tls
      // An address has no name to ask for.
      const servername = /^[\d.]+$|:/.test(host) ? '' : host
      const socket = connectTls({ ...options, ca, cert, key, rejectUnauthorized: verify, servername, ALPNProtocols: ['http/1.1'] })
      // A refusal of our certificate comes after the handshake, and TLS sockets live on behind an error: the end that follows would hide it.
      socket.on('error', (error) => {
        socket.destroy(error)
      })
      return opened(socket, 'secureConnect', authority, call)
    },
    async close() {},
  }
}

/** A connection that nobody takes in time is given up: a host that swallows packets would hold the call for minutes. */
function opened<T extends Socket>(socket: T, event: string, name: string, { signal }: CallOptions = {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error(`no connection to "${name}" within ${connectMs} ms`), { code: 'ETIMEDOUT' }))
    }, connectMs)
    const aborted = onAbort(signal, () => {
      socket.destroy(signal?.reason as Error)
    })
    const settle = (): void => {
      clearTimeout(timer)
      aborted[Symbol.dispose]()
      socket.off('error', failed)
    }
    const failed = (error: Error): void => {
      settle()
      socket.on('error', () => {}) // a TLS socket may have more to say
      reject(error)
    }
    socket.once('error', failed)
    socket.once(event, () => {
      settle()
      resolve(socket)
    })
  })
}
