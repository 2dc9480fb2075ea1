// What the Docker client's configuration says of where the daemon is: its contexts, and the variables of TLS.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { TlsOptions } from '../backends/http/connect.js'
import { EngineError } from '../errors.js'

export interface DockerContext {
  readonly name: string
  /** As in `DOCKER_HOST`. */
  readonly host: string
  readonly tls?: TlsOptions | undefined
}
interface Variables {
  variable(name: string): string | undefined
}

/** `undefined` for none and for the default one. Rejects when the configuration cannot be read, or the context is not in it. */
export async function currentDockerContext(variables: Variables): Promise<DockerContext | undefined> {
  const directory = configDirectory(variables)
  const name = variables.variable('DOCKER_CONTEXT') || (await configuredName(directory))
  if (name === undefined || name === '' || name === 'default') return undefined
  const id = createHash('sha256').update(name).digest('hex')
  const meta = await readFile(join(directory, 'contexts/meta', id, 'meta.json'), 'utf8').catch((cause: unknown) => {
    throw new EngineError('not_found', `Docker context "${name}" is not in "${directory}"`, { cause })
  })
  const { Host, SkipTLSVerify } = endpointOf(meta, name)
  const material = await readMaterial(join(directory, 'contexts/tls', id, 'docker'))
  const secure = material !== undefined || (SkipTLSVerify && Host.startsWith('tcp:'))
  return { name, host: Host, tls: secure ? { ...material, verify: !SkipTLSVerify } : undefined }
}

/** `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`, as Docker's own client reads them: any value but the empty one switches them on. */
export async function dockerTls(variables: Variables): Promise<TlsOptions | undefined> {
  const verify = (variables.variable('DOCKER_TLS_VERIFY') ?? '') !== ''
  const path = variables.variable('DOCKER_CERT_PATH') ?? ''
  if (!verify && path === '') return undefined
  const directory = path === '' ? configDirectory(variables) : path
  const material = await readMaterial(directory)
  if (material === undefined && path !== '')
    throw new EngineError('failed_precondition', `DOCKER_CERT_PATH: there is neither "ca.pem" nor "cert.pem" in "${directory}"`)
  return { ...material, verify }
}

/** A directory, not a file. */
function configDirectory({ variable }: Variables): string {
  return variable('DOCKER_CONFIG') || join(homedir(), '.docker')
}

async function configuredName(directory: string): Promise<string | undefined> {
  const text = await readFile(join(directory, 'config.json'), 'utf8').catch(() => '{}')
  const config: unknown = JSON.parse(text)
  const name = typeof config === 'object' && config !== null && 'currentContext' in config ? config.currentContext : undefined
  return typeof name === 'string' ? name : undefined
}

function endpointOf(text: string, name: string): { readonly Host: string; readonly SkipTLSVerify: boolean } {
  const meta = JSON.parse(text) as {
    readonly Endpoints?: { readonly docker?: { readonly Host?: unknown; readonly SkipTLSVerify?: unknown } }
  } | null
  const { Host, SkipTLSVerify } = meta?.Endpoints?.docker ?? {}
  if (typeof Host !== 'string' || Host === '')
    throw new EngineError('failed_precondition', `Docker context "${name}" names no host of a daemon`)
  return { Host, SkipTLSVerify: SkipTLSVerify === true }
}

async function readMaterial(directory: string): Promise<Pick<TlsOptions, 'ca' | 'cert' | 'key'> | undefined> {
  const read = (file: string): Promise<string | undefined> =>
    readFile(join(directory, file), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
      throw new EngineError('permission_denied', `"${join(directory, file)}" cannot be read`, { cause: error })
    })
  const [ca, cert, key] = await Promise.all(['ca.pem', 'cert.pem', 'key.pem'].map(read))
  return ca === undefined && cert === undefined ? undefined : { ca, cert, key }
}
