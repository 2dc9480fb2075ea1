// One container of the replayed pouchd: what was asked for, and how far its life has come. What runs in it is the process of the backend in memory.
import { MemoryProcess } from '../../../src/conformance/memory/process.js'
import type { Recorded } from '../replay.js'
import type { EventLog } from './events.js'
import type { StoredImage } from './images.js'
import { recorded } from './answers.js'

type Fields = Readonly<Record<string, unknown>>
export type BoxStatus = 'created' | 'running' | 'paused' | 'stopped' | 'exited'
export interface LogLine {
  readonly time: Date
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Uint8Array
}
/** The container of the recorded answers. */
export const c1 = { id: 'f244130703f78ee68e25e95406100f2133090656f1ffd1e16eca3e14c9939b90', name: 'c1' } as const

export class Box {
  readonly id: string
  name: string
  readonly image: StoredImage
  readonly created: Date = new Date()
  status: BoxStatus = 'created'
  process: MemoryProcess | undefined
  config: Fields
  host: Fields
  exitCode = 0
  startedAt: string = never
  finishedAt: string = never
  readonly runs: MemoryProcess[] = []
  readonly log: LogLine[] = []
  /** The API has asked it to end: then it is `stopped`, and its restart policy rests. */
  #stopping = false
  #pid = 0
  readonly #events: EventLog
  readonly #waiting: Set<() => void> = new Set()

  constructor(made: { readonly id: string; readonly name: string; readonly image: StoredImage; readonly body: Fields }, events: EventLog) {
    this.id = made.id
    this.name = made.name
    this.image = made.image
    this.#events = events
    const { HostConfig, NetworkingConfig: _, ...config } = made.body
    this.config = { Hostname: made.id.slice(0, 12), ...config, ...this.#filledIn(config) }
    this.host = HostConfig as Fields
    this.tells('create')
  }

  get isRunning(): boolean {
    return this.status === 'running' || this.status === 'paused'
  }
  /** As the one of its policy, too. */
  start(): void {
    const { Tty, OpenStdin } = this.config
    this.process = new MemoryProcess(++pids, this.args, { tty: Tty === true, stdin: OpenStdin === true, attach: true }, true)
    this.#pid = this.process.pid
    this.runs.push(this.process)
    this.status = 'running'
    this.startedAt = nanoseconds(new Date())
    this.exitCode = 0
    this.#stopping = false
    void this.#keepLog(this.process)
    this.tells('start')
    const { process } = this
    void process.exited.then(({ exitCode, exitedAt }) => {
      this.status = this.#stopping ? 'stopped' : 'exited'
      this.exitCode = exitCode
      this.finishedAt = nanoseconds(exitedAt)
      this.#pid = 0
      this.tells('die', { exitCode: String(exitCode) })
      this.changed()
      const { Name: policy = '' } = (this.host['RestartPolicy'] ?? {}) as { readonly Name?: string }
      // It counts nothing, and waits for nothing.
      if (!this.#stopping && !['', 'no'].includes(policy)) this.start()
    })
    this.changed()
  }
  /** As after a start that failed. */
  failToStart(): void {
    this.status = 'stopped'
    this.finishedAt = nanoseconds(new Date())
  }
  async stop(graceMs: number): Promise<void> {
    const { process } = this
    if (!this.isRunning || process === undefined) return
    this.#stopping = true
    process.kill('SIGTERM')
    const timer = setTimeout(() => {
      process.kill('SIGKILL')
    }, graceMs)
    await process.exited
    clearTimeout(timer)
    this.tells('stop')
  }
  /** Resolves with the next change of its life. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve))
  }
  changed(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
  tells(action: string, attributes: Readonly<Record<string, string>> = {}): void {
    const labels = (this.config['Labels'] ?? {}) as Readonly<Record<string, string>>
    this.#events.add(action, { id: this.id, from: String(this.config['Image']), attributes: { ...labels, ...attributes, name: this.name } })
  }

  get args(): readonly string[] {
    const { Entrypoint, Cmd } = this.config as { readonly Entrypoint?: readonly string[] | null; readonly Cmd?: readonly string[] | null }
    return [...(Entrypoint ?? []), ...(Cmd ?? [])]
  }
  /** The recorded answer of one in the same state, with what was asked for, and when. */
  inspected(): Recorded {
    const again = this.status === 'running' && this.finishedAt !== never
    const answer = recorded('life', again ? 'inspect running again' : `inspect ${this.status}`)
    const body = answer.body as { readonly Config: Fields; readonly HostConfig: Fields; readonly State: Fields }
    const { Env: _, Cmd: __, Labels: ___, WorkingDir: ____, ...rest } = body.Config
    return {
      ...answer,
      body: {
        ...body,
        Id: this.id,
        Name: this.name,
        Image: this.image.id,
        Created: nanoseconds(this.created),
        Config: { ...rest, ...this.config },
        HostConfig: { ...body.HostConfig, Binds: null, CpuShares: 0, Memory: 0, MemorySwap: 0, RestartPolicy: {}, ...this.host },
        Mounts: [],
        NetworkSettings: { Networks: { [String(this.host['NetworkMode'])]: { Aliases: null, Links: null } } },
        State: { ...body.State, Pid: this.#pid, ExitCode: this.exitCode, StartedAt: this.startedAt, FinishedAt: this.finishedAt },
      },
    }
  }
  listed(): object {
    const answer = recorded('life', this.status === 'running' ? 'list running' : 'list all')
    const [entry] = answer.body as readonly Fields[]
    return {
      ...entry,
      Id: this.id,
      Names: [this.name],
      Image: this.config['Image'],
      ImageID: this.image.id,
      Labels: this.config['Labels'],
      Created: Math.floor(this.created.getTime() / 1_000),
      Command: this.args.join(' '),
      HostConfig: this.host,
      Mounts: [],
      NetworkSettings: { Networks: { [String(this.host['NetworkMode'])]: { Aliases: null, Links: null } } },
      Status: this.status === 'running' ? entry?.['Status'] : this.status,
    }
  }

  #filledIn(config: Fields): Fields {
    const { Entrypoint, Cmd, Env, Labels, User, WorkingDir } = this.image.config
    const own = config['Entrypoint'] as readonly string[] | undefined
    return {
      Entrypoint: own ?? Entrypoint ?? null,
      // An entry point of one's own drops the image's command.
      Cmd: config['Cmd'] ?? (own === undefined ? (Cmd ?? null) : null),
      Env: [...((Env as readonly string[] | undefined) ?? []), ...((config['Env'] as readonly string[] | undefined) ?? [])],
      Labels: { ...(Labels as object | undefined), ...(config['Labels'] as object | undefined) },
      User: config['User'] ?? User,
      WorkingDir: config['WorkingDir'] ?? WorkingDir,
    }
  }
  async #keepLog(process: MemoryProcess): Promise<void> {
    for await (const { stream, bytes } of process.attach(0).output) {
      this.log.push({ time: new Date(), stream, bytes })
      this.changed()
    }
    this.changed()
  }
}

export const never = '0001-01-01T00:00:00Z'
/** The kernel's next one, over all containers. */
let pids = 30_000
export function nanoseconds(date: Date): string {
  return date.toISOString().replace(/Z$/, '000000Z')
}
