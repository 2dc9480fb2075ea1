// What the Docker configuration of this user says about a registry: `config.json`, and the helpers that it names.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { EngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { RegistryAuth } from '../model/image.js'
import { once } from '../util/once.js'

export interface DockerCredentialsOptions extends CallOptions {
  /** Default: of this process. Read: `DOCKER_CONFIG` (a directory), `PATH`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** Of a helper. Default 10 000. */
  readonly helperMs?: number | undefined
}

/** What Docker Hub is called in the configuration, wherever else it is `docker.io`. */
const hubKey = 'https://index.docker.io/v1/'
const maxAnswerBytes = 1 << 20

const nullish = <T extends z.ZodMiniType>(type: T): z.ZodMiniOptional<z.ZodMiniNullable<T>> => z.optional(z.nullable(type))
const schemas = once(() => ({
  config: z.object({
    auths: nullish(
      z.record(
        z.string(),
        nullish(
          z.object({
            auth: nullish(z.string()),
            username: nullish(z.string()),
            password: nullish(z.string()),
            identitytoken: nullish(z.string()),
            registrytoken: nullish(z.string()),
          }),
        ),
      ),
    ),
    credHelpers: nullish(z.record(z.string(), z.string())),
    credsStore: nullish(z.string()),
  }),
  answer: z.object({ Username: nullish(z.string()), Secret: nullish(z.string()) }),
}))
type Config = z.output<ReturnType<typeof schemas>['config']>

/**
 * For the registry `domain`, e.g. `docker.io` or `localhost:5000`. `undefined` when nothing is said of it, or there is no configuration.
 * A configuration that cannot be read, and a helper that is missing, hangs or fails, is `failed_precondition`; no secret is in the message.
 */
export async function dockerCredentials(domain: string, options: DockerCredentialsOptions = {}): Promise<RegistryAuth | undefined> {
  const { env = process.env } = options
  const path = join(env['DOCKER_CONFIG'] || join(homedir(), '.docker'), 'config.json')
  const config = await readConfig(path, options)
  if (config === undefined) return undefined
  const helper = find(config.credHelpers ?? {}, domain) ?? (config.credsStore || undefined)
  const helped = helper === undefined ? undefined : await askHelper(helper, domain === 'docker.io' ? hubKey : domain, { ...options, env })
  return helped ?? fromEntry(find(config.auths ?? {}, domain), domain, path)
}

/** All that the configuration says, by registry; what a store keeps without naming it there is not among it. Fails as `dockerCredentials` does. */
export async function allDockerCredentials(options: DockerCredentialsOptions = {}): Promise<Readonly<Record<string, RegistryAuth>>> {
  const { env = process.env } = options
  const config = await readConfig(join(env['DOCKER_CONFIG'] || join(homedir(), '.docker'), 'config.json'), options)
  const hosts = new Set([...Object.keys(config?.auths ?? {}), ...Object.keys(config?.credHelpers ?? {})].map(hostOf))
  const all: Record<string, RegistryAuth> = {}
  for (const host of hosts) {
    const domain = host === 'index.docker.io' ? 'docker.io' : host
    const auth = await dockerCredentials(domain, options)
    if (auth !== undefined) all[domain] = auth
  }
  return all
}

async function readConfig(path: string, { signal }: CallOptions): Promise<Config | undefined> {
  signal?.throwIfAborted()
  try {
    return z.parse(schemas().config, JSON.parse(await readFile(path, { encoding: 'utf8', signal })) as unknown)
  } catch (error) {
    signal?.throwIfAborted()
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    // The cause could quote what is in it.
    throw new EngineError(
      'failed_precondition',
      `Docker's configuration "${path}" cannot be read${code === undefined ? ': it is malformed' : ` (${code})`}`,
    )
  }
}

/** By itself, by its address, or by the address that older versions wrote. */
function find<T>(entries: Readonly<Record<string, T>>, domain: string): T | undefined {
  const hub = domain === 'docker.io'
  for (const key of hub ? [hubKey, 'index.docker.io', 'docker.io'] : [domain, `https://${domain}`, `http://${domain}`])
    if (Object.hasOwn(entries, key)) return entries[key]
  return Object.entries(entries).find(([key]) => hostOf(key) === (hub ? 'index.docker.io' : domain))?.[1]
}
function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').split('/')[0] ?? ''
}

type Entry = NonNullable<NonNullable<Config['auths']>[string]>
function fromEntry(entry: Entry | null | undefined, domain: string, path: string): RegistryAuth | undefined {
  if (!entry) return undefined
  if (entry.registrytoken) return { registryToken: entry.registrytoken }
  if (entry.identitytoken) return { identityToken: entry.identitytoken }
  if (entry.username) return { username: entry.username, password: entry.password ?? '' }
  if (!entry.auth) return undefined
  const text = Buffer.from(entry.auth, 'base64').toString('utf8').replace(/\0+$/, '')
  const colon = text.indexOf(':')
  if (colon < 0)
    throw new EngineError('failed_precondition', `Docker's configuration "${path}" has a malformed entry for registry "${domain}"`)
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

/** The protocol of docker-credential-helpers: the server on stdin, JSON on stdout, failures as text on stdout. */
async function askHelper(
  helper: string,
  server: string,
  { env, signal, helperMs = 10_000 }: DockerCredentialsOptions,
): Promise<RegistryAuth | undefined> {
  const program = `docker-credential-${helper}`
  const failed = (why: string, cause?: unknown): EngineError =>
    new EngineError('failed_precondition', `credential helper "${program}" ${why} for registry "${server}"`, { cause })
  if (!/^[\w.-]+$/.test(helper)) throw failed('has a name that is none')
  const { error, stdout } = await run(program, server, { env, signal, helperMs })
  signal?.throwIfAborted()
  if (error !== undefined) {
    if (/credentials not found/i.test(stdout)) return undefined
    if (error.code === 'ENOENT') throw failed('is not on the PATH')
    throw failed(error.killed === true ? `does not answer within ${helperMs} ms` : `fails (exit code ${String(error.code)})`)
  }
  let answer: { readonly Username?: string | null | undefined; readonly Secret?: string | null | undefined }
  try {
    answer = z.parse(schemas().answer, JSON.parse(stdout) as unknown)
  } catch {
    throw failed('answers what is no JSON')
  }
  if (!answer.Secret) return undefined
  // So a helper says that the secret is an identity token.
  return answer.Username === '<token>' ? { identityToken: answer.Secret } : { username: answer.Username ?? '', password: answer.Secret }
}

interface Ran {
  readonly error?: { readonly code?: string | number | null | undefined; readonly killed?: boolean | undefined } | undefined
  readonly stdout: string
}
function run(
  program: string,
  server: string,
  { env, signal, helperMs }: Pick<DockerCredentialsOptions, 'env' | 'signal' | 'helperMs'>,
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      ['get'],
      { env: env as NodeJS.ProcessEnv, timeout: helperMs, killSignal: 'SIGKILL', maxBuffer: maxAnswerBytes, ...(signal && { signal }) },
      (error, stdout) => {
        resolve({ error: error ?? undefined, stdout })
      },
    )
    child.stdin?.on('error', () => {}) // one that does not read it
    child.stdin?.end(server)
  })
}
