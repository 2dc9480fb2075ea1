// What discovery looks at, and what it may open: this machine's, or a test's.
import { createConnection } from 'node:net'
import type { Backend } from '../ports/backend/backend.js'
import type { CallOptions } from '../model/common.js'
import type { TlsOptions } from '../backends/http/connect.js'
import { currentDockerContext, type DockerContext, dockerTls } from './docker-context.js'
import type { EngineOptions } from './options.js'
import type { Target } from './url.js'

export interface Environment {
  readonly platform: NodeJS.Platform
  variable(name: string): string | undefined
  /** The Docker context in use; `undefined` for none or the default one. Rejects when the configuration cannot be read. */
  dockerContext(): Promise<DockerContext | undefined>
  /** What Docker's variables say of TLS. */
  dockerTls(): Promise<TlsOptions | undefined>
  /** Why nobody answers at that socket; `undefined` when somebody does. */
  refusal(socket: string, options: CallOptions): Promise<string | undefined>
  /** Why no containerd can be started here at all. */
  noEmbedding(): string | undefined
  open(target: Target, options: EngineOptions): Promise<Backend>
  embed(root: string, options: EngineOptions): Promise<Backend>
}

export const defaultRoot = '/var/lib/pouch-sdk'
const defaultNamespace = 'pouch-sdk'

export const thisMachine: Environment = {
  platform: process.platform,
  variable: (name) => process.env[name],
  dockerContext: () => currentDockerContext(thisMachine),
  dockerTls: () => dockerTls(thisMachine),
  refusal,
  noEmbedding() {
    if (process.platform !== 'linux') return `containers need Linux, and this is ${process.platform}`
    return process.getuid?.() === 0 ? undefined : 'starting one needs root'
  },
  /** Loads the one room that is asked for. */
  async open(target, { root = defaultRoot, tls, registries, onTrace, signal }) {
    switch (target.kind) {
      case 'containerd': {
        const { connectContainerd } = await import('../backends/containerd/connect.js')
        const { address, namespace = defaultNamespace } = target
        return connectContainerd({ address, namespace, root: target.root ?? root, registries, onTrace, signal })
      }
      case 'local': {
        const { openLocal } = await import('../backends/local/open.js')
        return openLocal({ root: target.root, registries, onTrace, signal })
      }
      case 'http': {
        const { connectHttp } = await import('../backends/http/connect.js')
        return 'url' in target
          ? connectHttp({ url: target.url, tls, onTrace, signal })
          : connectHttp({ socketPath: target.socketPath, onTrace, signal })
      }
      default:
        return target satisfies never
    }
  },
  async embed(root, { registries, onTrace, signal }) {
    const { startContainerd } = await import('../backends/containerd/connect.js')
    return startContainerd({ root, registries, onTrace, signal })
  },
}

function refusal(path: string, { signal }: CallOptions): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path, signal })
    const settle = (answer: string | undefined): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => {
      settle(undefined)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (signal?.aborted === true) reject(signal.reason)
      else settle(words[error.code ?? ''] ?? error.code ?? error.message)
    })
  })
}
const words: Readonly<Record<string, string>> = {
  ENOENT: 'not there',
  EACCES: 'no permission to use it',
  ECONNREFUSED: 'nobody answers',
  ENOTSOCK: 'not a socket',
  EPROTOTYPE: 'not a socket of a daemon',
}
