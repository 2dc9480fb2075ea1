// Credentials on their way to a daemon: base64url of JSON in a header.
import type { CallOptions } from '../../../model/common.js'
import type { RegistryAuth } from '../../../model/image.js'
import type { HttpContext } from '../context.js'

/** `X-Registry-Auth` for one registry. Without `auth` as Docker's configuration says; what is wrong with that is traced, and then nobody is logged in. */
export async function authHeader(
  context: Pick<HttpContext, 'trace'>,
  domain: string,
  auth: RegistryAuth | undefined,
  options: CallOptions,
): Promise<Readonly<Record<string, string>>> {
  const found = auth ?? (await configured(context, domain, options))
  return { 'x-registry-auth': encode(found === undefined ? {} : wireAuth(domain, found)) }
}
/** `X-Registry-Config` for all that a build may pull from. */
export function authConfigHeader(auths: Readonly<Record<string, RegistryAuth>>): Readonly<Record<string, string>> {
  const entries = Object.entries(auths).map(([domain, auth]) => [domain === 'docker.io' ? hub : domain, wireAuth(domain, auth)])
  return entries.length === 0 ? {} : { 'x-registry-config': encode(Object.fromEntries(entries)) }
}
const hub = 'https://index.docker.io/v1/'

/** What Docker's configuration says, or nothing. */
export async function configured(
  { trace }: Pick<HttpContext, 'trace'>,
  domain: string,
  options: CallOptions,
): Promise<RegistryAuth | undefined> {
  const { dockerCredentials } = await import('../../../registry/docker-credentials.js')
  try {
    return await dockerCredentials(domain, options)
  } catch (error) {
    options.signal?.throwIfAborted()
    trace({ kind: 'warning', name: `credentials for "${domain}"`, error })
    return undefined
  }
}

function wireAuth(domain: string, auth: RegistryAuth): Readonly<Record<string, string>> {
  const serveraddress = domain === 'docker.io' ? hub : domain
  if ('username' in auth) return { username: auth.username, password: auth.password, serveraddress }
  if ('identityToken' in auth) return { identitytoken: auth.identityToken, serveraddress }
  return { registrytoken: auth.registryToken, serveraddress }
}
function encode(value: object): string {
  // Padded: Docker before 24 refuses it without.
  return Buffer.from(JSON.stringify(value)).toString('base64').replace(/\+/g, '-').replace(/\//g, '_')
}
