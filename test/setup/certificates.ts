// Certificates of the test's own, made by openssl: two authorities that do not know each other, a server, and a client of each.
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export interface Material {
  /** Has `ca.pem`, `cert.pem` and `key.pem`, as `DOCKER_CERT_PATH` wants them. */
  readonly directory: string
  readonly ca: string
  readonly cert: string
  readonly key: string
}
export interface Certificates {
  /** For `localhost` and 127.0.0.1, and for nobody else. */
  readonly server: Material
  readonly client: Material
  /** Of an authority that the server does not know. */
  readonly stranger: Material
}

/** Below the directory, which is there. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const [ours, theirs] = await Promise.all([makeAuthority(join(directory, 'ours')), makeAuthority(join(directory, 'theirs'))])
  const server = ['subjectAltName=DNS:localhost,IP:127.0.0.1', 'extendedKeyUsage=serverAuth']
  const client = ['extendedKeyUsage=clientAuth']
  return {
    server: await sign(ours, join(directory, 'server'), server),
    client: await sign(ours, join(directory, 'client'), client),
    stranger: await sign(theirs, join(directory, 'stranger'), client),
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

async function makeAuthority(directory: string): Promise<string> {
  await mkdir(directory)
  const at = (name: string): string => join(directory, name)
  await openssl('req', '-x509', ...newKey, '-keyout', at('key.pem'), '-out', at('cert.pem'), '-days', '2', '-subj', '/CN=authority')
  return directory
}
async function sign(authority: string, directory: string, extensions: readonly string[]): Promise<Material> {
  await mkdir(directory)
  const at = (name: string): string => join(directory, name)
  await writeFile(at('extensions'), extensions.join('\n'))
  await openssl('req', ...newKey, '-keyout', at('key.pem'), '-out', at('request.pem'), '-subj', '/CN=suite')
  const by = ['-CA', join(authority, 'cert.pem'), '-CAkey', join(authority, 'key.pem'), '-CAcreateserial', '-days', '2']
  await openssl('x509', '-req', '-in', at('request.pem'), ...by, '-extfile', at('extensions'), '-out', at('cert.pem'))
  const ca = await readFile(join(authority, 'cert.pem'), 'utf8')
  await writeFile(at('ca.pem'), ca)
  return { directory, ca, cert: await readFile(at('cert.pem'), 'utf8'), key: await readFile(at('key.pem'), 'utf8') }
}
async function openssl(...args: readonly string[]): Promise<void> {
  await execute('openssl', [...args])
}
