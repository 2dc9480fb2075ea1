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

describe('the Docker context', () => {
  it.each([
    ['there is no configuration', undefined, undefined],
    ['the configuration names none', '{"auths":{}}', undefined],
    ['the default one is in use', '{"currentContext":"default"}', undefined],
    ['another one is in use', '{"currentContext":"remote"}', 'remote'],
    ['the configuration is of another shape', '[1]', undefined],
  ])('is right when %s', async (_, config, name) => {
    if (config !== undefined) await writeFile(join(directory, 'config.json'), config)
    expect(await thisMachine.dockerContext()).toBe(name)
  })

  it('is that of DOCKER_CONTEXT before the configured one', async () => {
    await writeFile(join(directory, 'config.json'), '{"currentContext":"remote"}')
    vi.stubEnv('DOCKER_CONTEXT', 'mine')
    expect(await thisMachine.dockerContext()).toBe('mine')
  })

  it('rejects for a configuration that is no JSON', async () => {
    await writeFile(join(directory, 'config.json'), '{')
    await expect(thisMachine.dockerContext()).rejects.toThrow()
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
