import { describe, expect, it } from 'vitest'
import { CommandError } from '../../../src/api/command-error.js'
import { Engine } from '../../../src/api/engine.js'
import { EngineError } from '../../../src/errors.js'
import type { ContainerService } from '../../../src/ports/backend/containers.js'
import { type Fake, FakeProcess, fakeBackend } from './fake-backend.js'

const spec = { image: 'busybox', command: ['true'] }

interface Running {
  readonly engine: Engine
  readonly fake: Fake
  readonly process: FakeProcess
}
function running(containers: Partial<ContainerService> = {}): Running {
  const process = new FakeProcess()
  const fake = fakeBackend({
    containers: {
      create: async () => 'c1',
      start: async () => process,
      wait: () => process.exited,
      remove: async () => {},
      ...containers,
    },
  })
  return { engine: new Engine(fake.backend), fake, process }
}

describe('run', () => {
  it('resolves with the exit code and each stream by itself', async () => {
    const { engine, process } = running()
    process.say('a').say('oops', 'stderr').say('b').exit(3)
    expect(await engine.containers.run(spec)).toEqual({ exitCode: 3, stdout: Buffer.from('ab'), stderr: Buffer.from('oops') })
  })

  it('creates an owned container that is pulled if it is missing, and gives it no stdin', async () => {
    const { engine, fake, process } = running()
    process.exit(0)
    await engine.containers.run(spec)
    expect(fake.args('containers.create')[0]).toMatchObject({ image: 'busybox', lifetime: 'owned', pull: 'missing', stdin: false })
    expect(fake.args('containers.start')[1]).toMatchObject({ attach: { stdin: false } })
  })

  it('keeps the pull policy of the spec', async () => {
    const { engine, fake, process } = running()
    process.exit(0)
    await engine.containers.run({ ...spec, pull: 'never' })
    expect(fake.args('containers.create')[0]).toMatchObject({ pull: 'never' })
  })

  it('removes the container with force and its volumes before it resolves', async () => {
    const { engine, fake, process } = running()
    process.exit(0)
    await engine.containers.run(spec)
    expect(fake.args('containers.remove')).toMatchObject(['c1', { force: true, volumes: true }])
    expect(process.closed).toBe(1)
  })

  it('resolves all the same when the container cannot be removed', async () => {
    const { engine, process } = running({ remove: async () => Promise.reject(new Error('busy')) })
    process.exit(0)
    expect(await engine.containers.run(spec)).toMatchObject({ exitCode: 0 })
  })

  it('refuses a container that is to outlive it', async () => {
    const { engine, fake } = running()
    await expect(engine.containers.run({ ...spec, lifetime: 'detached' })).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(fake.calls).toEqual([])
  })

  it('refuses an option that it does not know, before anything is made', async () => {
    const { engine, fake } = running()
    // @ts-expect-error no such option
    await expect(engine.containers.run(spec, { timeout: 3 })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('"timeout"'),
    })
    expect(fake.calls).toEqual([])
  })

  it('rejects with the exit code of a command that cannot be started, and removes the container', async () => {
    const missing = new EngineError('failed_precondition', 'no such command', { exitCode: 127 })
    const { engine, fake } = running({ start: async () => Promise.reject(missing) })
    await expect(engine.containers.run(spec)).rejects.toBe(missing)
    expect(fake.names()).toEqual(['containers.create', 'containers.start', 'containers.remove'])
  })

  it('makes nothing to remove when the container cannot be created', async () => {
    const taken = new EngineError('already_exists', 'taken')
    const { engine, fake } = running({ create: async () => Promise.reject(taken) })
    await expect(engine.containers.run(spec)).rejects.toBe(taken)
    expect(fake.names()).toEqual(['containers.create'])
  })

  describe('with check', () => {
    it('rejects with the exit code and the output when the command fails', async () => {
      const { engine, process } = running()
      process.say('out').say('a\nlast\u001b[31m words\n', 'stderr').exit(3)
      const error = await engine.containers.run({ ...spec, name: 'job' }, { check: true }).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(CommandError)
      expect(error).toMatchObject({ code: 'failed_precondition', exitCode: 3, stdout: Buffer.from('out') })
      expect((error as Error).message).toBe(String.raw`container "job" exited with code 3: "last\u001b[31m words"`)
    })
    it('resolves when the command succeeds', async () => {
      const { engine, process } = running()
      process.exit(0)
      expect(await engine.containers.run(spec, { check: true })).toMatchObject({ exitCode: 0 })
    })
  })

  describe('aborted', () => {
    it('rejects with the reason while the command runs, after the container is removed', async () => {
      const { engine, fake, process } = running()
      const abort = new AbortController()
      const reason = new Error('enough')
      process.say('x')
      const run = engine.containers.run(spec, { signal: abort.signal, onOutput: () => abort.abort(reason) })
      await expect(run).rejects.toBe(reason)
      expect(fake.names().at(-1)).toBe('containers.remove')
      expect(process.closed).toBe(1)
    })
    it('removes without the signal that is aborted', async () => {
      const { engine, fake, process } = running()
      const abort = new AbortController()
      process.say('x')
      await engine.containers.run(spec, { signal: abort.signal, onOutput: () => abort.abort() }).catch(() => {})
      const [, { signal }] = fake.args('containers.remove') as [string, { signal: AbortSignal }]
      expect(signal.aborted).toBe(false)
    })
  })

  describe('with output', () => {
    it('hands on each piece in order, and waits for a slow reader', async () => {
      const { engine, process } = running()
      process.say('1').say('2', 'stderr').say('3').exit(0)
      const seen: string[] = []
      await engine.containers.run(spec, {
        async onOutput({ stream, bytes }) {
          seen.push(`${stream} ${Buffer.from(bytes).toString()} begins`)
          await Promise.resolve()
          seen.push('ends')
        },
      })
      expect(seen).toEqual(['stdout 1 begins', 'ends', 'stderr 2 begins', 'ends', 'stdout 3 begins', 'ends'])
    })
    it('collects nothing when it is to be discarded, and has no limit then', async () => {
      const { engine, process } = running()
      process.say('x'.repeat(100)).exit(0)
      const run = await engine.containers.run(spec, { discardOutput: true, maxOutputBytes: 10 })
      expect(run.stdout).toHaveLength(0)
    })
    it('rejects with resource_exhausted when both streams together exceed the limit, and removes the container', async () => {
      const { engine, fake, process } = running()
      process.say('12345').say('678901', 'stderr')
      await expect(engine.containers.run(spec, { maxOutputBytes: 10 })).rejects.toMatchObject({ code: 'resource_exhausted' })
      expect(fake.names().at(-1)).toBe('containers.remove')
    })
    it('takes output of exactly the limit', async () => {
      const { engine, process } = running()
      process.say('1234567890').exit(0)
      expect(await engine.containers.run(spec, { maxOutputBytes: 10 })).toMatchObject({ exitCode: 0 })
    })
    it('rejects with what a reader throws', async () => {
      const { engine, process } = running()
      process.say('x')
      const reason = new Error('reader')
      await expect(engine.containers.run(spec, { onOutput: () => Promise.reject(reason) })).rejects.toBe(reason)
    })
  })

  describe('with stdin', () => {
    const echo = (process: FakeProcess): void => {
      void process.eof.then(() => process.say(process.read.join('|')).exit(0))
    }
    it.each([
      ['a text', 'hé', 'hé'],
      ['bytes', Buffer.from('abc'), 'abc'],
      [
        'pieces',
        (async function* () {
          yield 'a'
          yield Buffer.from('b')
        })(),
        'a|b',
      ],
      ['nothing', '', ''],
    ])('feeds %s and then an end of file', async (_, stdin, expected) => {
      const { engine, fake, process } = running()
      echo(process)
      const { stdout } = await engine.containers.run(spec, { stdin })
      expect(stdout.toString()).toBe(expected)
      expect(fake.args('containers.create')[0]).toMatchObject({ stdin: true })
    })
    it('gives a command that wants stdin and gets none an end of file at once', async () => {
      const { engine, process } = running()
      echo(process)
      expect(await engine.containers.run({ ...spec, stdin: true })).toMatchObject({ exitCode: 0 })
    })
    it('asks the source for more only when the command has read', async () => {
      const { engine, process } = running()
      echo(process)
      const order: string[] = []
      process.reading = async (text) => {
        await Promise.resolve()
        order.push(`read ${text}`)
      }
      async function* source(): AsyncGenerator<string> {
        for (const text of ['1', '2']) {
          order.push(`give ${text}`)
          yield text
        }
      }
      await engine.containers.run(spec, { stdin: source() })
      expect(order).toEqual(['give 1', 'read 1', 'give 2', 'read 2'])
    })
    it('does not wait for a source that has more when the command has ended', async () => {
      const { engine, process } = running()
      async function* endless(): AsyncGenerator<string> {
        yield 'x'
        process.exit(0)
        await new Promise(() => {})
      }
      expect(await engine.containers.run(spec, { stdin: endless() })).toMatchObject({ exitCode: 0 })
    })
    it('takes a command that ends before it has read everything for what it is', async () => {
      const { engine, process } = running()
      process.reading = async () => {
        process.exit(4)
        throw new EngineError('failed_precondition', 'the process has exited')
      }
      expect(await engine.containers.run(spec, { stdin: 'x' })).toMatchObject({ exitCode: 4 })
    })
    it('rejects with the error of a source that fails, without an end of file that would look like the end', async () => {
      const { engine, fake, process } = running()
      const reason = new Error('disk')
      // biome-ignore lint/correctness/useYield: it fails at its first step
      const failing = (async function* (): AsyncGenerator<string> {
        throw reason
      })()
      await expect(engine.containers.run(spec, { stdin: failing })).rejects.toBe(reason)
      expect(process.stdinClosed).toBe(false)
      expect(fake.names().at(-1)).toBe('containers.remove')
    })
    it('rejects when the connection breaks while it feeds', async () => {
      const { engine, process } = running()
      const broken = new EngineError('unavailable', 'connection lost')
      process.reading = () => Promise.reject(broken)
      await expect(engine.containers.run(spec, { stdin: 'x' })).rejects.toBe(broken)
    })
  })
})
