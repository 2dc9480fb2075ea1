import { describe, expect, it } from 'vitest'
import { Container } from '../../../src/api/container.js'
import { EngineError } from '../../../src/errors.js'
import type { ContainerState } from '../../../src/model/container.js'
import type { ExitStatus } from '../../../src/model/process.js'
import type { Backend } from '../../../src/ports/backend/backend.js'
import type { LogEntry, LogOptions } from '../../../src/ports/streams.js'
import { ready } from '../../../src/testing/ready.js'

const exited: ExitStatus = { exitCode: 3, exitedAt: new Date(0), oomKilled: undefined, lost: false }
const running: ContainerState = { status: 'running', startedAt: new Date(0) }

/** A container whose state, log and command results are what a test says, as it goes on. */
class FakeContainer {
  state: ContainerState = running
  lines: string[] = []
  /** Of the next tries; the last one is repeated. */
  results: (number | unknown)[] = [1]
  tries = 0
  #changed: (() => void)[] = []

  change(what: Partial<Pick<FakeContainer, 'state' | 'lines' | 'results'>>): void {
    Object.assign(this, what)
    for (const tell of this.#changed.splice(0)) tell()
  }
  get handle(): Container {
    const backend = {
      name: 'fake',
      containers: {
        get: async () => ({ state: this.state }),
        wait: async (_id: string, { signal }: { readonly signal?: AbortSignal }) => {
          while (this.state.status !== 'exited') await this.#change(signal)
          return this.state.exit
        },
      },
      streams: { logs: (_id: string, options: LogOptions) => this.#logs(options) },
      execs: {
        create: async () => {
          const at = this.tries
          this.tries += 1
          const result = this.results[Math.min(at, this.results.length - 1)]
          if (typeof result !== 'number') throw result
          return String(result)
        },
        start: async () => ({
          output: (async function* () {})(),
          close: async () => {},
          closeStdin: async () => {},
          write: async () => {},
        }),
        wait: async (id: string) => ({ ...exited, exitCode: Number(id) }),
        kill: async () => {},
      },
      supports: () => true,
    }
    return new Container(backend as unknown as Backend, 'c1')
  }
  async *#logs({ follow = false, tail, signal }: LogOptions = {}): AsyncGenerator<LogEntry> {
    let at = tail === undefined ? 0 : Math.max(0, this.lines.length - tail)
    for (;;) {
      signal?.throwIfAborted()
      for (; at < this.lines.length; at += 1) {
        const text = this.lines[at] ?? ''
        yield { stream: 'stdout', time: new Date(0), text, bytes: Buffer.from(text) }
      }
      if (!follow || this.state.status !== 'running') return
      await this.#change(signal)
    }
  }
  #change(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#changed.push(resolve)
      signal?.addEventListener(
        'abort',
        () => {
          reject(signal.reason)
        },
        { once: true },
      )
    })
  }
}
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate)
}

describe('ready.log', () => {
  it('resolves with a line that was there before', async () => {
    const fake = new FakeContainer()
    fake.lines = ['starting', 'ready to accept connections', 'ready again']
    expect((await ready.log(fake.handle, 'ready')).text).toBe('ready to accept connections')
  })

  it('waits for a line that comes later', async () => {
    const fake = new FakeContainer()
    const waiting = ready.log(fake.handle, /port \d+$/)
    await turns()
    fake.change({ lines: ['listening on port 80'] })
    expect((await waiting).text).toBe('listening on port 80')
  })

  it('matches a pattern with a global or sticky flag on every line', async () => {
    const fake = new FakeContainer()
    fake.lines = ['xx ready', 'ready']
    const pattern = /ready/gy
    expect((await ready.log(fake.handle, pattern)).text).toBe('xx ready')
    expect(pattern.lastIndex).toBe(0)
  })

  it('waits for a container that was not started yet', async () => {
    const fake = new FakeContainer()
    fake.state = { status: 'created' }
    const waiting = ready.log(fake.handle, 'ready')
    await turns()
    fake.change({ state: running, lines: ['ready'] })
    expect((await waiting).text).toBe('ready')
  })

  it('rejects with the last lines when the container exits before', async () => {
    const fake = new FakeContainer()
    const waiting = ready.log(fake.handle, /ready/)
    await turns()
    fake.change({ lines: Array.from({ length: 12 }, (_, index) => `line ${index}`), state: { status: 'exited', exit: exited } })
    await expect(waiting).rejects.toMatchObject({
      code: 'failed_precondition',
      exitCode: 3,
      message: expect.stringMatching(/^container "c1" exited with 3 before its log had "\/ready\/"; it ended with: "line 2", .*"line 11"$/),
    })
  })

  it('resolves with a line that came with the exit', async () => {
    const fake = new FakeContainer()
    fake.state = { status: 'created' }
    const waiting = ready.log(fake.handle, 'ready')
    fake.change({ state: { status: 'exited', exit: exited }, lines: ['ready'] })
    expect((await waiting).text).toBe('ready')
  })

  it('rejects with the reason of its signal', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const waiting = ready.log(new FakeContainer().handle, 'ready', { signal: controller.signal })
    await turns()
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })
})

describe('ready.command', () => {
  it('tries until the command exits with 0', async () => {
    const fake = new FakeContainer()
    fake.results = [1, 2, 0]
    await ready.command(fake.handle, ['pg_isready'], { intervalMs: 1 })
    expect(fake.tries).toBe(3)
  })

  it('goes on while the container does not run yet', async () => {
    const fake = new FakeContainer()
    fake.results = [new EngineError('failed_precondition', 'does not run'), 0]
    await ready.command(fake.handle, ['true'], { intervalMs: 1 })
    expect(fake.tries).toBe(2)
  })

  it.each([126, 127])('rejects at once when the command cannot be run: %i', async (exitCode) => {
    const fake = new FakeContainer()
    fake.results = [exitCode]
    await expect(ready.command(fake.handle, ['pg_isready', '-q'])).rejects.toMatchObject({
      code: 'failed_precondition',
      exitCode,
      message: 'command "pg_isready -q" cannot be run in container "c1"',
    })
  })

  it('rejects with the last lines when the container exits before, however long the interval is', async () => {
    const fake = new FakeContainer()
    fake.lines = ['FATAL: \u001b[31mno space']
    const waiting = ready.command(fake.handle, ['true'], { intervalMs: 1_000_000 })
    await turns()
    fake.change({ state: { status: 'exited', exit: exited } })
    await expect(waiting).rejects.toMatchObject({
      code: 'failed_precondition',
      exitCode: 3,
      message: 'container "c1" exited with 3 before "true" succeeded in it; it ended with: "FATAL: \\u001b[31mno space"',
    })
  })

  it('passes on any other failure', async () => {
    const fake = new FakeContainer()
    const error = new EngineError('unavailable', 'the daemon is gone')
    fake.results = [error]
    await expect(ready.command(fake.handle, ['true'])).rejects.toBe(error)
  })

  it('rejects with the reason of its signal', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const waiting = ready.command(new FakeContainer().handle, ['true'], { intervalMs: 1_000_000, signal: controller.signal })
    await turns()
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
  })
})
