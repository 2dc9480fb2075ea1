import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { allDockerCredentials, dockerCredentials } from '../../../src/registry/docker-credentials.js'

let directory: string
let env: Record<string, string | undefined>
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-credentials-'))
  env = { DOCKER_CONFIG: directory, PATH: `${directory}:${process.env['PATH'] ?? ''}` }
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const configure = (config: unknown): Promise<void> =>
  writeFile(join(directory, 'config.json'), typeof config === 'string' ? config : JSON.stringify(config))
const helper = (name: string, script: string): Promise<void> =>
  writeFile(join(directory, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
const encoded = (text: string): string => Buffer.from(text).toString('base64')

describe('entries of auths', () => {
  it('are user and password, also one with colons in it', async () => {
    await configure({ auths: { 'registry.example': { auth: encoded('me:pass:word') } } })
    expect(await dockerCredentials('registry.example', { env })).toEqual({ username: 'me', password: 'pass:word' })
  })
  it.each([
    ['docker.io', 'https://index.docker.io/v1/'],
    ['docker.io', 'index.docker.io'],
    ['localhost:5000', 'localhost:5000'],
    ['registry.example', 'https://registry.example'],
    ['registry.example', 'https://registry.example/v1/'],
    ['registry.example', 'http://registry.example/v2/'],
  ])('of "%s" are found under "%s"', async (domain, key) => {
    await configure({ auths: { [key]: { username: 'me', password: 'secret' } } })
    expect(await dockerCredentials(domain, { env })).toEqual({ username: 'me', password: 'secret' })
  })
  it('are for no other registry', async () => {
    await configure({ auths: { 'registry.example': { auth: encoded('me:secret') } } })
    for (const domain of ['example', 'registry.example:5000', 'sub.registry.example', 'docker.io', '__proto__', 'constructor'])
      expect(await dockerCredentials(domain, { env })).toBeUndefined()
  })
  it('may be an identity token or a registry token', async () => {
    await configure({ auths: { a: { auth: encoded('me:'), identitytoken: 'id' }, b: { registrytoken: 'reg' } } })
    expect(await dockerCredentials('a', { env })).toEqual({ identityToken: 'id' })
    expect(await dockerCredentials('b', { env })).toEqual({ registryToken: 'reg' })
  })
})

describe('a helper', () => {
  it('is asked for the one registry that names it, and gets its address on stdin', async () => {
    await helper('one', `read server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$server\\",\\"Secret\\":\\"s\\"}"`)
    await configure({ credHelpers: { 'registry.example': 'one' }, auths: { other: { auth: encoded('plain:text') } } })
    expect(await dockerCredentials('registry.example', { env })).toEqual({ username: 'registry.example', password: 's' })
    expect(await dockerCredentials('other', { env })).toEqual({ username: 'plain', password: 'text' })
  })
  it('for everything is asked for the Hub by its old address, and may give a token', async () => {
    await helper('all', `read server; test "$server" = https://index.docker.io/v1/ && echo '{"Username":"<token>","Secret":"t"}'`)
    await configure({ credsStore: 'all' })
    expect(await dockerCredentials('docker.io', { env })).toEqual({ identityToken: 't' })
  })
  it('that knows nothing leaves it to the entries', async () => {
    await helper('all', `echo 'credentials not found in native keychain'; exit 1`)
    await configure({ credsStore: 'all', auths: { 'registry.example': { auth: encoded('me:secret') } } })
    expect(await dockerCredentials('registry.example', { env })).toEqual({ username: 'me', password: 'secret' })
    expect(await dockerCredentials('other', { env })).toBeUndefined()
  })
  it.each([
    ['fails', 'echo a secret; exit 3', /fails \(exit code 3\)/, undefined],
    ['answers what is no JSON', 'echo a secret', /no JSON/, undefined],
    ['hangs', 'exec sleep 100', /does not answer within 200 ms/, 200],
  ])('that %s is failed_precondition, and nothing it said is told', async (_, script, message, helperMs) => {
    await helper('bad', script)
    await configure({ credsStore: 'bad' })
    const failed = await dockerCredentials('registry.example', { env, helperMs }).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'failed_precondition', message: expect.stringMatching(message) })
    expect(String(failed)).not.toContain('a secret')
  })
  it('that is missing, or has a path for a name, is failed_precondition', async () => {
    for (const name of ['missing', '../../bin/sh']) {
      await configure({ credsStore: name })
      await expect(dockerCredentials('registry.example', { env })).rejects.toMatchObject({ code: 'failed_precondition' })
    }
  })
  it('is ended by an abort', async () => {
    await helper('slow', 'exec sleep 100')
    await configure({ credsStore: 'slow' })
    const controller = new AbortController()
    const reason = new Error('enough')
    const asking = dockerCredentials('registry.example', { env, signal: controller.signal })
    controller.abort(reason)
    await expect(asking).rejects.toBe(reason)
  })
})

describe('a configuration', () => {
  it('that is not there says nothing', async () => {
    expect(await dockerCredentials('registry.example', { env })).toBeUndefined()
    expect(await allDockerCredentials({ env })).toEqual({})
  })
  it.each(['{', '[]', '{"auths":{"a":{"auth":7}}}'])('that is malformed is failed_precondition: %s', async (text) => {
    await configure(text)
    await expect(dockerCredentials('a', { env })).rejects.toMatchObject({ code: 'failed_precondition' })
  })
  it('as a whole is told by registry', async () => {
    await helper('one', `echo '{"Username":"helped","Secret":"s"}'`)
    await configure({
      auths: { 'https://index.docker.io/v1/': { auth: encoded('hub:h') }, empty: {} },
      credHelpers: { 'registry.example': 'one' },
    })
    expect(await allDockerCredentials({ env })).toEqual({
      'docker.io': { username: 'hub', password: 'h' },
      'registry.example': { username: 'helped', password: 's' },
    })
  })
})
