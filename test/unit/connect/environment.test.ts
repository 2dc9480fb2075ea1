import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { thisMachine } from '../../../src/connect/environment.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'env-'))
  vi.stubEnv('DOCKER_CONFIG', directory)
  vi.stubEnv('DOCKER_CONTEXT', '')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true, force: true })
})

async function writeContext(name: string, meta: string, tls: Readonly<Record<string, string>> = {}): Promise<void> {
  const id = createHash('sha256').update(name).digest('hex')
  await mkdir(join(directory, 'contexts/meta', id), { recursive: true })
  await writeFile(join(directory, 'contexts/meta', id, 'meta.json'), meta)
  await mkdir(join(directory, 'contexts/tls', id, 'docker'), { recursive: true })
  for (const [file, text] of Object.entries(tls)) await writeFile(join(directory, 'contexts/tls', id, 'docker', file), text)
}
const metaOf = (host: string, skip = false): string =>
  JSON.stringify({ Name: 'x', Endpoints: { docker: { Host: host, SkipTLSVerify: skip } } })

describe('the Docker context', () => {
  it.each([
    ['there is no configuration', undefined],
    ['the configuration names none', '{"auths":{}}'],
    ['the default one is in use', '{"currentContext":"default"}'],
    ['the configuration is of another shape', '[1]'],
  ])('is none when %s', async (_, config) => {
    if (config !== undefined) await writeFile(join(directory, 'config.json'), config)
    expect(await thisMachine.dockerContext()).toBeUndefined()
  })

  it('is the configured one with its host', async () => {
    await writeFile(join(directory, 'config.json'), '{"currentContext":"remote"}')
    await writeContext('remote', metaOf('ssh://ci@build-7'))
    expect(await thisMachine.dockerContext()).toEqual({ name: 'remote', host: 'ssh://ci@build-7', tls: undefined })
  })

  it('is that of DOCKER_CONTEXT before the configured one, with its keys', async () => {
    await writeFile(join(directory, 'config.json'), '{"currentContext":"remote"}')
    await writeContext('mine', metaOf('tcp://h:2376', true), { 'ca.pem': 'CA', 'cert.pem': 'CERT', 'key.pem': 'KEY' })
    vi.stubEnv('DOCKER_CONTEXT', 'mine')
    const tls = { ca: 'CA', cert: 'CERT', key: 'KEY', verify: false }
    expect(await thisMachine.dockerContext()).toEqual({ name: 'mine', host: 'tcp://h:2376', tls })
  })

  it('rejects for a configuration that is no JSON, for a context that is not there, and for one without a host', async () => {
    await writeFile(join(directory, 'config.json'), '{')
    await expect(thisMachine.dockerContext()).rejects.toThrow()
    vi.stubEnv('DOCKER_CONTEXT', 'gone')
    await expect(thisMachine.dockerContext()).rejects.toMatchObject({ code: 'not_found' })
    await writeContext('gone', '{}')
    await expect(thisMachine.dockerContext()).rejects.toMatchObject({ code: 'failed_precondition' })
  })
})

describe("Docker's variables of TLS", () => {
  it('are none unless one of them is set', async () => {
    vi.stubEnv('DOCKER_TLS_VERIFY', '')
    vi.stubEnv('DOCKER_CERT_PATH', '')
    expect(await thisMachine.dockerTls()).toBeUndefined()
  })

  it('DOCKER_CERT_PATH gives the keys, DOCKER_TLS_VERIFY says whether the host must prove itself', async () => {
    const keys = join(directory, 'keys')
    await mkdir(keys)
    for (const name of ['ca', 'cert', 'key']) await writeFile(join(keys, `${name}.pem`), name)
    vi.stubEnv('DOCKER_CERT_PATH', keys)
    vi.stubEnv('DOCKER_TLS_VERIFY', '')
    expect(await thisMachine.dockerTls()).toEqual({ ca: 'ca', cert: 'cert', key: 'key', verify: false })
    vi.stubEnv('DOCKER_TLS_VERIFY', '1')
    expect(await thisMachine.dockerTls()).toMatchObject({ verify: true })
  })

  it('without DOCKER_CERT_PATH the keys are those of the configuration; a path without any is refused', async () => {
    vi.stubEnv('DOCKER_TLS_VERIFY', '1')
    vi.stubEnv('DOCKER_CERT_PATH', '')
    await writeFile(join(directory, 'ca.pem'), 'CA')
    expect(await thisMachine.dockerTls()).toEqual({ ca: 'CA', cert: undefined, key: undefined, verify: true })
    vi.stubEnv('DOCKER_CERT_PATH', join(directory, 'nowhere'))
    await expect(thisMachine.dockerTls()).rejects.toMatchObject({ code: 'failed_precondition' })
  })
})

describe('refusal', () => {
  it('is undefined where somebody listens, and tells when nobody does any more', async () => {
    const path = join(directory, 's')
    const server = createServer().listen(path)
    await new Promise((resolve) => server.once('listening', resolve))
    expect(await thisMachine.refusal(path, {})).toBeUndefined()
    await new Promise((resolve) => server.close(resolve))
    expect(await thisMachine.refusal(path, {})).toBe('not there')
  })

  it('tells of a file that is no socket', async () => {
    const path = join(directory, 'file')
    await writeFile(path, '')
    expect(await thisMachine.refusal(path, {})).toMatch(/nobody answers|not a socket/)
    await mkdir(join(directory, 'd'))
    expect(await thisMachine.refusal(join(directory, 'd'), {})).toMatch(/nobody answers|not a socket/)
  })

  it('rejects with the reason of an aborted signal', async () => {
    const reason = new Error('enough')
    await expect(thisMachine.refusal(join(directory, 's'), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})
