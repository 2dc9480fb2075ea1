import { pipeline } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { CommandError } from '../../../src/api/command-error.js'
import { Container } from '../../../src/api/container.js'
import { EngineError } from '../../../src/errors.js'
import type { Capability } from '../../../src/ports/backend/backend.js'
import type { ExecService } from '../../../src/ports/backend/execs.js'
import { collect, type Fake, FakeProcess, fakeBackend } from './fake-backend.js'

interface Running {
  readonly web: Container
  readonly fake: Fake
  readonly process: FakeProcess
}
function running(execs: Partial<ExecService> = {}, capabilities: readonly Capability[] = ['exec_kill']): Running {
  const process = new FakeProcess()
  const fake = fakeBackend({
    capabilities,
    execs: {
      create: async () => 'e1',
      start: async () => process,
      wait: () => process.exited,
      kill: async () => process.exit(137),
      ...execs,
    },
  })
  return { web: new Container(fake.backend, 'web'), fake, process }
}

describe('exec', () => {
  it('resolves with exit code and output, and kills nothing', async () => {
    const { web, fake, process } = running()
    process.say('hello').exit(5)
    expect(await web.exec(['sh'], { env: { A: '1' }, user: 'nobody', workingDir: '/tmp' })).toMatchObject({
      exitCode: 5,
      stdout: Buffer.from('hello'),
    })
    expect(fake.args('execs.create').slice(0, 2)).toMatchObject([
      'web',
      { command: ['sh'], env: { A: '1' }, user: 'nobody', workingDir: '/tmp', stdin: false },
    ])
    expect(fake.names()).toEqual(['execs.create', 'execs.start', 'execs.wait'])
  })
  it('resolves with 127 for a command that is not there', async () => {
    const { web, process } = running()
    process.exit(127)
    expect(await web.exec(['nothing'])).toMatchObject({ exitCode: 127 })
  })
  it('feeds stdin and ends it', async () => {
    const { web, process } = running()
    void process.eof.then(() => process.say(process.read.join('')).exit(0))
    expect((await web.exec(['cat'], { stdin: 'in' })).stdout.toString()).toBe('in')
  })
  it('rejects with the output when check is asked for and it fails', async () => {
    const { web, process } = running()
    process.say('no such table', 'stderr').exit(1)
    const error = await web.exec(['psql', '-c', 'x'], { check: true }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(CommandError)
    expect((error as CommandError).message).toBe('"psql -c x" in container "web" exited with code 1: "no such table"')
  })
  it('kills the process when it is aborted, and rejects with the reason', async () => {
    const { web, fake, process } = running()
    const abort = new AbortController()
    const reason = new Error('enough')
    process.say('x')
    await expect(web.exec(['sleep', '9'], { signal: abort.signal, onOutput: () => abort.abort(reason) })).rejects.toBe(reason)
    expect(fake.args('execs.kill').slice(0, 2)).toEqual(['e1', 'SIGKILL'])
    expect(process.closed).toBe(1)
  })
  it('kills what an aborted start may have begun', async () => {
    const reason = new Error('enough')
    const { web, fake } = running({ start: () => Promise.reject(reason) })
    await expect(web.exec(['sleep', '9'])).rejects.toBe(reason)
    expect(fake.names()).toContain('execs.kill')
  })
  it('kills nothing where the backend cannot', async () => {
    const { web, fake, process } = running({}, [])
    const abort = new AbortController()
    process.say('x')
    await web.exec(['sleep', '9'], { signal: abort.signal, onOutput: () => abort.abort() }).catch(() => {})
    expect(fake.names()).not.toContain('execs.kill')
  })
  it.each([[[]], [['']], ['ls']])('refuses %j as a command', async (command) => {
    const { web, fake } = running()
    await expect(web.exec(command as string[])).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(fake.calls).toEqual([])
  })
})

describe('spawn', () => {
  it('gives the streams of a process that is not waited for', async () => {
    const { web, fake, process } = running()
    await using shell = await web.spawn(['sh'], { tty: true, stdin: true })
    expect(fake.args('execs.start')[1]).toMatchObject({ attach: { stdin: true } })
    await shell.write('ls\n')
    expect(process.read).toEqual(['ls\n'])
    process.say('a').say('b').exit(2)
    expect((await collect(shell.output)).map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['a', 'b'])
    expect(await shell.wait()).toMatchObject({ exitCode: 2 })
  })
  it('has a stdin for pipelines that ends with the source', async () => {
    const { web, process } = running()
    await using shell = await web.spawn(['cat'], { stdin: true })
    await pipeline(['one', 'two'], shell.stdin)
    expect(process.read).toEqual(['one', 'two'])
    expect(process.stdinClosed).toBe(true)
  })
  it('hands the error of a broken stdin to the pipeline', async () => {
    const { web, process } = running()
    await using shell = await web.spawn(['cat'], { stdin: true })
    process.reading = () => Promise.reject(new EngineError('unavailable', 'gone'))
    await expect(pipeline(['one'], shell.stdin)).rejects.toMatchObject({ code: 'unavailable' })
  })
  it('is killed by closing it while it runs, once', async () => {
    const { web, fake, process } = running()
    const shell = await web.spawn(['sh'])
    await shell.close()
    await shell.close()
    expect(fake.names().filter((name) => name === 'execs.kill')).toHaveLength(1)
    expect(process.closed).toBe(1)
  })
  it('is not killed by closing it after its exit was seen', async () => {
    const { web, fake, process } = running()
    const shell = await web.spawn(['sh'])
    process.exit(0)
    await shell.wait()
    await shell.close()
    expect(fake.names()).not.toContain('execs.kill')
  })
  it('closes without an error when it cannot be killed', async () => {
    const { web } = running({ kill: () => Promise.reject(new Error('gone')) })
    const shell = await web.spawn(['sh'])
    await expect(shell.close()).resolves.toBeUndefined()
  })
  it('kills what an aborted start may have begun', async () => {
    const reason = new Error('enough')
    const { web, fake } = running({ start: () => Promise.reject(reason) })
    await expect(web.spawn(['sleep', '9'])).rejects.toBe(reason)
    expect(fake.names()).toContain('execs.kill')
  })
  it('refuses a signal that is none', async () => {
    const { web, fake } = running()
    const shell = await web.spawn(['sh'])
    await expect(shell.kill('SIG')).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(fake.names()).not.toContain('execs.kill')
  })
})
