// A backend of which a test says what it needs. Anything else that is called fails, naming itself; all calls are noted.
import type { ExitStatus } from '../../../src/model/process.js'
import type { ContainerInfo } from '../../../src/model/container.js'
import type { Backend, Capability } from '../../../src/ports/backend/backend.js'
import type { Attachment, OutputChunk } from '../../../src/ports/streams.js'
import { EngineError } from '../../../src/errors.js'
import { closeable } from '../../../src/util/closeable.js'

type Services = Omit<Backend, 'name' | 'supports' | 'close' | typeof Symbol.asyncDispose>
export type Overrides = { readonly [K in keyof Services]?: Partial<Services[K]> } & { readonly capabilities?: readonly Capability[] }
export interface Call {
  readonly name: string
  readonly args: readonly unknown[]
}
export interface Fake {
  readonly backend: Backend
  readonly calls: Call[]
  /** Names of the calls, in order. */
  names(): readonly string[]
  /** The arguments of the only call of that name. */
  args(name: string): readonly unknown[]
}

export function fakeBackend({ capabilities = ['exec_kill'], ...overrides }: Overrides): Fake {
  const calls: Call[] = []
  const service = <K extends keyof Services>(name: K): Services[K] => {
    const given = (overrides[name] ?? {}) as Readonly<Record<string, (...args: unknown[]) => unknown>>
    return new Proxy({} as Services[K], {
      get:
        (_, method) =>
        (...args: unknown[]) => {
          const call = `${name}.${String(method)}`
          calls.push({ name: call, args })
          const work = given[String(method)]
          if (work === undefined) throw new Error(`nobody expected ${call}`)
          return work(...args)
        },
    })
  }
  const backend: Backend = {
    name: 'fake',
    supports: (capability) => capabilities.includes(capability),
    containers: service('containers'),
    control: service('control'),
    streams: service('streams'),
    containerImages: service('containerImages'),
    execs: service('execs'),
    files: service('files'),
    images: service('images'),
    networks: service('networks'),
    volumes: service('volumes'),
    system: service('system'),
    ...closeable(async () => {
      calls.push({ name: 'close', args: [] })
    }),
  }
  return {
    backend,
    calls,
    names: () => calls.map(({ name }) => name),
    args(name) {
      const found = calls.filter((call) => call.name === name)
      if (found.length !== 1) throw new Error(`${found.length} calls of ${name}`)
      return found[0]?.args ?? []
    },
  }
}

/** A process that a test plays: what it says, what it has read, and when it ends. */
export class FakeProcess implements Attachment {
  readonly read: string[] = []
  readonly output: AsyncIterable<OutputChunk>
  readonly exited: Promise<ExitStatus>
  closed = 0
  stdinClosed = false
  /** Resolves when the last `closeStdin` was called. */
  readonly eof: Promise<void>
  /** Replaced by a test whose process reads slowly or not at all. */
  reading: (text: string) => Promise<void> = async () => {}
  #chunks: OutputChunk[] = []
  #ended = false
  #more: () => void = () => {}
  #exit: (status: ExitStatus) => void = () => {}
  #sawEof: () => void = () => {}

  constructor() {
    this.exited = new Promise((resolve) => (this.#exit = resolve))
    this.eof = new Promise((resolve) => (this.#sawEof = resolve))
    this.output = this.#read()
  }
  say(text: string, stream: OutputChunk['stream'] = 'stdout'): this {
    this.#chunks.push({ stream, bytes: Buffer.from(text) })
    this.#more()
    return this
  }
  exit(exitCode: number): void {
    this.#ended = true
    this.#more()
    this.#exit(exitOf(exitCode))
  }
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#ended) throw new EngineError('failed_precondition', 'the process has exited')
    const text = Buffer.from(bytes).toString()
    await this.reading(text)
    this.read.push(text)
  }
  async closeStdin(): Promise<void> {
    this.stdinClosed = true
    this.#sawEof()
  }
  async resize(): Promise<void> {}
  async close(): Promise<void> {
    this.closed += 1
    this.#ended = true
    this.#more()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
  async *#read(): AsyncGenerator<OutputChunk> {
    for (;;) {
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) yield chunk
      else if (this.#ended) return
      else await new Promise<void>((resolve) => (this.#more = resolve))
    }
  }
}

export function exitOf(exitCode: number): ExitStatus {
  return { exitCode, exitedAt: new Date(0), oomKilled: false, lost: false }
}
export function infoOf(id: string, more: Partial<ContainerInfo> = {}): ContainerInfo {
  return {
    id,
    name: id,
    labels: {},
    createdAt: new Date(0),
    state: { status: 'created' },
    spec: { image: 'x' },
    networks: [],
    ports: [],
    mounts: [],
    restartCount: 0,
    rootDrivers: [],
    ...more,
  }
}
export async function* each<T>(...values: readonly T[]): AsyncGenerator<T, void, undefined> {
  yield* values
}
export async function collect<T>(values: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}
