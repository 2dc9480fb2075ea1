// TLS over a real wire: a dockerd that takes nobody without a certificate of its authority.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, createConnection } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type TlsOptions, connectHttp } from '../../../src/backends/http/connect.js'
import { connect } from '../../../src/connect.js'
import type { Closeable } from '../../../src/model/common.js'
import type { Backend } from '../../../src/ports/backend/backend.js'
import { closeable } from '../../../src/util/closeable.js'
import { type Certificates, makeCertificates } from '../../setup/certificates.js'
import { startTestDockerd, type TestDockerd } from '../../setup/dockerd.js'
import { fedProcesses } from '../../setup/fed-processes.js'
import { freePort } from '../../setup/free-port.js'
import { busyboxImage, chunks, dockerArchive, plainLayers } from '../../setup/images.js'
import { openSockets } from '../../setup/outside.js'

const execute = promisify(execFile)
const image = 'registry.example/suite/busybox:1'
let folder: string
let certificates: Certificates
let daemon: TestDockerd
let url: string
let port: number
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tls-'))
  certificates = await makeCertificates(folder)
  port = await freePort()
  url = `tcp://127.0.0.1:${port}`
  const { directory } = certificates.server
  const at = (name: string): string => join(directory, name)
  daemon = await startTestDockerd({
    bridge: false,
    // On each address of this network, which has loopback only: by another one it is not who its certificate says.
    args: [
      ...['--host', `tcp://0.0.0.0:${port}`, '--tlsverify'],
      ...['--tlscacert', at('ca.pem'), '--tlscert', at('cert.pem'), '--tlskey', at('key.pem')],
    ],
  })
  await using backend = await connectHttp({ socketPath: daemon.socketPath })
  const built = await busyboxImage()
  await backend.images.load(chunks(dockerArchive([{ image: built, plainLayers: plainLayers(built), tags: [image] }])))
})
afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(async () => {
  await daemon?.close()
  await rm(folder, { recursive: true, force: true })
})

const material = ({ ca, cert, key }: TlsOptions = certificates.client): TlsOptions => ({ ca, cert, key })
const connected = (): Promise<Backend> => connectHttp({ url, tls: material() })

const digestOf = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex')
/** The daemon's socket at a port, without TLS. */
async function relayTo(path: string, port: number): Promise<Closeable> {
  const server = createServer((client) => {
    const socket = createConnection(path)
    client.pipe(socket).pipe(client)
    for (const [one, other] of [
      [client, socket],
      [socket, client],
    ] as const)
      one.on('error', () => other.destroy()).on('close', () => other.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return closeable(async () => {
    server.close()
    await once(server, 'close')
  })
}

/** Nobody waits for ever: a handshake that fails late must be told as well. */
const refused = (options: { readonly url?: string; readonly tls?: TlsOptions }) =>
  expect(connectHttp({ url, ...options, signal: AbortSignal.timeout(30_000) })).rejects

describe('a daemon that takes nobody without a certificate', () => {
  it('is met with one, and gives all descriptors back', async () => {
    const before = await openSockets()
    const backend = await connected()
    expect(backend.name).toBe('docker')
    const { id } = await backend.images.get(image)
    expect(id).toBe(await daemon.docker('image', 'inspect', '--format', '{{.Id}}', image))
    await Promise.all(Array.from({ length: 200 }, () => backend.system.info()))
    await backend.close()
    // One of the set-up's own may still be closing at the beginning.
    await expect.poll(openSockets, { timeout: 20_000 }).toBeLessThanOrEqual(before)
  })

  it('gives a container and an exec all of their input, the end of it, and what they say after it', async () => {
    await using backend = await connected()
    const bytes = Buffer.alloc(3 << 20, 'input ')
    const whole = { stdout: `${digestOf(bytes)}  -\nafter the end\n`, stderr: 'apart\n', exitCode: 0 }
    expect(await fedProcesses(backend, image, bytes)).toEqual([whole, whole])
  })

  it('takes the context of a build, and its image is as it was sent', async () => {
    await using backend = await connected()
    const context = join(folder, 'context')
    await mkdir(context)
    const bytes = Buffer.alloc(12 << 20, 'context ')
    await writeFile(join(context, 'Dockerfile'), `FROM ${image}\nCOPY data /data\nRUN md5sum /data >/sum\n`)
    await writeFile(join(context, 'data'), bytes)
    const { stdout: tar } = await execute('tar', ['--create', '--directory', context, '.'], { encoding: 'buffer', maxBuffer: 64 << 20 })
    const lines: string[] = []
    const built = await backend.images.build(
      { context: chunks(tar), tags: ['registry.example/tls:1'] },
      { onOutput: (line) => lines.push(line) },
    )
    try {
      const said = await daemon.docker('run', '--rm', '--network=none', built.id, 'cat', '/sum')
      expect(said, lines.join('\n')).toBe(`${digestOf(bytes)}  /data`)
    } finally {
      await backend.images.remove(built.id, { force: true })
    }
  })

  it('refuses who has none, and who has one that it does not trust, and that is told at once', async () => {
    const { ca } = certificates.client
    const { cert, key } = certificates.stranger
    for (const tls of [{ ca }, { ca, cert, key }])
      await refused({ tls }).toMatchObject({ code: 'permission_denied', message: expect.stringContaining('certificate') })
  })
})

describe('a daemon that cannot prove who it is', () => {
  it('is refused: by the authority of somebody else, by the system, and at an address that is not its own', async () => {
    const { ca, cert, key } = certificates.client
    await refused({ tls: { ca: certificates.stranger.ca, cert, key } }).toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('not trusted'),
    })
    await refused({ tls: { cert, key } }).toMatchObject({ code: 'permission_denied', message: expect.stringContaining('not trusted') })
    await refused({ url: `tcp://127.0.0.2:${port}`, tls: { ca, cert, key } }).toMatchObject({
      code: 'permission_denied',
      message: expect.stringContaining('another host'),
    })
    await (await connectHttp({ url: `https://localhost:${port}`, tls: { ca, cert, key } })).close()
  })

  it('is taken when nobody asks it to', async () => {
    const { cert, key } = certificates.client
    await using backend = await connectHttp({ url, tls: { cert, key, verify: false } })
    expect(await backend.system.info()).toMatchObject({ backend: 'docker' })
  })
})

describe('the two sides that do not agree on TLS', () => {
  it('say so when only the daemon speaks it', async () => {
    await refused({}).toMatchObject({ code: 'failed_precondition', message: expect.stringContaining('HTTPS') })
  })
  it('say so when only the client speaks it', async () => {
    const plain = await freePort()
    await using _relay = await relayTo(daemon.socketPath, plain)
    await refused({ url: `tcp://127.0.0.1:${plain}`, tls: material() }).toMatchObject({
      code: 'failed_precondition',
      message: expect.stringContaining('TLS'),
    })
  })
})

describe("Docker's own configuration", () => {
  const variables = (set: Readonly<Record<string, string>>): void => {
    const none = ['POUCH_SDK_URL', 'POUCH_HOST', 'DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH']
    for (const name of none) vi.stubEnv(name, set[name] ?? '')
    vi.stubEnv('DOCKER_CONFIG', set['DOCKER_CONFIG'] ?? folder)
  }

  it('leads there by DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, and by the authority named there only', async () => {
    variables({ DOCKER_HOST: url, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certificates.client.directory })
    await using engine = await connect()
    expect(engine.name).toBe('docker')
    expect((await engine.images.get(image)).id).toBe(await daemon.docker('image', 'inspect', '--format', '{{.Id}}', image))

    variables({ DOCKER_HOST: url, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: certificates.stranger.directory })
    await expect(connect()).rejects.toMatchObject({ code: 'permission_denied', message: expect.stringContaining('DOCKER_HOST') })
  })

  it("leads there by a context that Docker's own client has made", async () => {
    const config = join(folder, 'config')
    await mkdir(config)
    const docker = (...args: readonly string[]) =>
      execute('docker', [...args], { env: { ...process.env, DOCKER_CONFIG: config, DOCKER_HOST: '' } })
    const { directory } = certificates.client
    const files = ['ca', 'cert', 'key'].map((name) => `${name}=${join(directory, `${name}.pem`)}`)
    await docker('context', 'create', 'secure', '--docker', [`host=${url}`, ...files].join(','))
    await docker('context', 'use', 'secure')
    variables({ DOCKER_CONFIG: config })
    await using engine = await connect()
    expect((await engine.images.get(image)).id).toBe(await daemon.docker('image', 'inspect', '--format', '{{.Id}}', image))
  })
})
