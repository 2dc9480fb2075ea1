// Further processes of running containers.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ExecInfo, ExecSpec } from '../../model/exec.js'
import type { ExitStatus, Signal, TerminalSize } from '../../model/process.js'
import type { ExecService, StartExecOptions } from '../../ports/backend/execs.js'
import type { Attachment } from '../../ports/streams.js'
import { raceAbort, sleep } from '../../util/abort.js'
import { HttpAttachment, peeked } from './attachment.js'
import type { Subject } from './calls.js'
import { type ContainerContext, containerSubject, inspect } from './container-context.js'
import { requireCapability, unsupported } from './context.js'
import { engineEvents } from './events.js'
import { path } from './path.js'
import { createExecAnswer, type ExecAnswer, execAnswer, toExecSpec } from './wire/exec.js'
import { isRunning } from './wire/container-info.js'
import { parse } from './wire/parse.js'

/** What this process knows of an exec that it made, beside what the daemon tells. */
interface Known {
  readonly containerId: string
  readonly spec: ExecSpec
  started: boolean
  exit: ExitStatus | undefined
  /** What it says first, once it says something or has ended. */
  beginning?: Promise<Uint8Array>
  /** A little before it was made, by the clock here. */
  readonly since: Date
  /** When the container's run began in which it ended. */
  run?: string
  /** Until then, by the monotonic clock, the daemon may take a size for a terminal that is not there yet, and lose it. */
  losesSizeUntil?: number
  /** Resolves when its output is complete: it has ended, or soon will have. */
  readonly output: Promise<void>
  readonly outputEnded: () => void
}
const remembered = 5_000
const clockSkewMs = 60_000
const frameHeaderBytes = 8
const shortestMs = 5
const startingMs = [5, 5, 10, 10, 20, 20, 50, 50, 100, 100, 200, 200, 500, 500, 1_000, 1_000, 1_000]
const refusalMs = [5, 10, 20, 50, 100, 200, 500]
const longestMs = 500
const consoleMs = 300

export class HttpExecs implements ExecService {
  readonly #context: ContainerContext
  readonly #known: Map<string, Known> = new Map()
  readonly #forgotten: Set<string> = new Set()
  constructor(context: ContainerContext) {
    this.#context = context
  }

  async create(containerId: string, spec: ExecSpec, { signal }: CallOptions = {}): Promise<string> {
    const { command, env, user, workingDir, tty = false, stdin = false, privileged = false } = spec
    if (workingDir !== undefined) requireCapability(this.#context, 'exec_working_dir')
    const body = {
      Cmd: command,
      Env: Object.entries(env ?? {}).map(([name, value]) => `${name}=${value}`),
      User: user,
      WorkingDir: workingDir,
      Tty: tty,
      Privileged: privileged,
      AttachStdin: stdin,
      AttachStdout: true,
      AttachStderr: true,
      DetachKeys: tty && stdin ? 'ctrl-@,ctrl-_,ctrl-^,ctrl-@,ctrl-_,ctrl-^' : undefined,
    }
    const subject = containerSubject(containerId)
    const answer = await this.#context.calls.json('POST', path`/containers/${containerId}/exec`, { body, subject, signal })
    const { Id } = parse(createExecAnswer, answer, 'POST /containers/{id}/exec')
    this.#remember(Id, containerId, spec)
    return Id
  }

  async start(execId: string, { attach, signal }: StartExecOptions = {}): Promise<Attachment | undefined> {
    signal?.throwIfAborted()
    const known = this.#known.get(execId)
    if (known?.started === true)
      throw new EngineError('failed_precondition', `exec "${execId}" was started before`, { subject: subjectOf(execId) })
    const tty = await this.#hasTerminal(execId, { signal })
    if (known !== undefined) known.started = true
    const { watchesExecs } = this.#context.dialect.containers
    if (attach === undefined && watchesExecs) {
      await this.#startDetached(execId, { Detach: true, Tty: tty })
      return undefined
    }
    const attachment = await this.#startAttached(execId, tty, attach?.stdin === true, { signal })
    if (attach !== undefined) return attachment
    await attachment.close()
    return undefined
  }

  async #startAttached(execId: string, tty: boolean, stdin: boolean, { signal }: CallOptions): Promise<Attachment> {
    const known = this.#known.get(execId)
    const subject = subjectOf(execId)
    const body = { Detach: false, Tty: tty }
    const connection = await this.#context.calls.hijack(path`/exec/${execId}/start`, { body, subject, signal })
    const { output, beginning } = peeked(connection.output, tty ? 0 : frameHeaderBytes)
    if (known !== undefined) known.beginning = beginning
    const attachment = new HttpAttachment(connection, {
      output,
      subject,
      tty,
      stdin,
      framed: !tty,
      detach: 'drain',
      isRefusal: (beginning) => this.#isRefusal(execId, beginning),
      ended: async () => (await this.#state(execId)) !== undefined,
      resize: (size, options) => this.#resize(execId, tty, size, options),
      finished: known?.outputEnded,
    })
    await this.#untilItRuns(execId, attachment, beginning, { signal })
    return attachment
  }

  async get(execId: string, options?: CallOptions): Promise<ExecInfo> {
    const answer = await this.#inspect(execId, options)
    const known = this.#known.get(execId)
    await this.#forgetWithContainer(execId, answer.ContainerID ?? known?.containerId, answer, options)
    const spec = known?.spec ?? toExecSpec(answer)
    const common = { id: execId, containerId: answer.ContainerID ?? known?.containerId ?? '', spec }
    const exit = await this.#exitOf(execId, answer, options)
    if (exit !== undefined) return { ...common, state: { status: 'exited', exit } }
    if (answer.Running !== true && !wasStarted(answer, known)) return { ...common, state: { status: 'created' } }
    return { ...common, state: { status: 'running', pid: answer.Pid === 0 ? undefined : (answer.Pid ?? undefined) } }
  }

  /** No daemon tells of the end by itself but in its events, which may be lost: it is asked, at once when the output ends. */
  async wait(execId: string, { signal }: CallOptions = {}): Promise<ExitStatus> {
    signal?.throwIfAborted()
    const known = this.#known.get(execId)
    if (known?.exit !== undefined) {
      await this.#forgetWithContainer(execId, known.containerId, { Running: false, ExitCode: known.exit.exitCode }, { signal })
      return known.exit
    }
    let nudged = false
    void known?.output.then(() => {
      nudged = true
    })
    for (let pauseMs = shortestMs; ; ) {
      const exit = await this.#state(execId, { signal })
      if (exit !== undefined) return exit
      if (nudged) pauseMs = Math.min(pauseMs, shortestMs * 4)
      await Promise.race([sleep(pauseMs, signal), ...(nudged || known === undefined ? [] : [known.output])])
      pauseMs = Math.min(pauseMs * 1.5, longestMs)
    }
  }

  async kill(_execId: string, _signal: Signal, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    throw unsupported(this.#context.name, '"exec_kill"')
  }

  async resize(execId: string, size: TerminalSize, options: CallOptions = {}): Promise<void> {
    const tty = await this.#hasTerminal(execId, options)
    await this.#resize(execId, tty, size, options)
  }

  async #hasTerminal(execId: string, options: CallOptions): Promise<boolean> {
    const known = this.#known.get(execId)
    return known === undefined ? (await this.#inspect(execId, options)).ProcessConfig?.tty === true : known.spec.tty === true
  }

  /** A command that cannot be run is no failure: it exits with 126 or 127. */
  async #startDetached(execId: string, body: object): Promise<void> {
    try {
      await this.#context.calls.json('POST', path`/exec/${execId}/start`, { body, subject: subjectOf(execId) })
    } catch (error) {
      if (isEngineError(error) && error.exitCode !== undefined) {
        const known = this.#known.get(execId)
        if (known !== undefined) known.exit ??= { exitCode: error.exitCode, exitedAt: new Date(), oomKilled: undefined, lost: false }
        return
      }
      throw error
    }
  }

  /** A process that ran has a pid. One that did not has its reason as output, and one exit code for all of them. */
  async #isRefusal(execId: string, beginning: Uint8Array): Promise<boolean> {
    if (this.#refusalIn(beginning) === undefined) return false
    for (const ms of refusalMs) {
      const { Running, Pid, ExitCode } = await this.#inspect(execId)
      if ((Pid ?? 0) > 0) return false
      if (Running !== true && (ExitCode === 126 || ExitCode === 127)) return true
      await sleep(ms)
    }
    return false
  }
  #refusalIn(beginning: Uint8Array): 126 | 127 | undefined {
    const text = Buffer.from(beginning.buffer, beginning.byteOffset, Math.min(beginning.length, 4_096)).toString('utf8')
    return this.#context.dialect.containers.execRefusals.find(({ pattern }) => pattern.test(text))?.exitCode
  }

  /**
   * A daemon answers before the process runs, and what comes next would meet none. One that tells no pid says of an exec that has not begun
   * what it says of one that ended well: then it has begun when it runs, has said something, or its streams have ended.
   */
  async #untilItRuns(execId: string, attachment: Attachment, beginning: Promise<unknown>, options: CallOptions): Promise<void> {
    const known = this.#known.get(execId)
    let hasBegun = false
    void beginning.then(() => {
      hasBegun = true
    })
    try {
      for (const ms of startingMs) {
        const { Running, Pid, ExitCode } = await this.#inspect(execId, options)
        const toldPid = Pid !== undefined && Pid !== null
        const ended = Running !== true && ExitCode !== null && ExitCode !== undefined && (toldPid || ExitCode !== 0)
        if (!toldPid && known !== undefined) known.losesSizeUntil = performance.now() + consoleMs
        if (ended || (toldPid ? Pid > 0 : Running === true || hasBegun)) return
        await Promise.race([sleep(ms, options.signal), ...(toldPid ? [] : [beginning])])
      }
    } catch (error) {
      await attachment.close()
      throw error
    }
  }

  /** The exit, if there was one. */
  async #state(execId: string, options?: CallOptions): Promise<ExitStatus | undefined> {
    const answer = await this.#inspect(execId, options)
    if (answer.Running !== true && !wasStarted(answer, this.#known.get(execId)))
      throw new EngineError('failed_precondition', `exec "${execId}" was not started`, { subject: subjectOf(execId) })
    return this.#exitOf(execId, answer, options)
  }
  async #exitOf(execId: string, answer: ExecAnswer, options?: CallOptions): Promise<ExitStatus | undefined> {
    const known = this.#known.get(execId)
    if (known?.exit !== undefined) return known.exit
    // For a moment it does not run any more and nobody knows its code yet.
    const { Running, ExitCode } = answer
    if (Running === true || ExitCode === null || ExitCode === undefined || !wasStarted(answer, known)) return undefined
    const real = ExitCode === 126 ? await this.#realCode(execId, answer, options) : ExitCode & 0xff
    const lost = real === undefined && (await this.#endedWithContainer(answer, known, options))
    const exit: ExitStatus = { exitCode: lost ? 255 : (real ?? ExitCode & 0xff), exitedAt: new Date(), oomKilled: undefined, lost }
    if (known === undefined) return exit
    known.exit ??= exit
    return known.exit
  }
  /** 126 stands for whatever kept a command from running, and for a connection that the daemon lost: then its history has the code. */
  async #realCode(execId: string, { Pid }: ExecAnswer, options: CallOptions = {}): Promise<number | undefined> {
    const known = this.#known.get(execId)
    if ((Pid ?? 0) === 0)
      return known?.beginning === undefined ? undefined : this.#refusalIn(await raceAbort(known.beginning, options.signal))
    for await (const event of engineEvents(this.#context, {
      follow: false,
      since: known?.since ?? new Date(0),
      types: ['exec'],
      subjects: [execId],
      ...options,
    })) {
      const code = event.action === 'exit' ? Number(event.attributes['exitCode']) : Number.NaN
      if (Number.isInteger(code)) return code & 0xff
    }
    return undefined
  }

  /** Where no pid is told, 126 also stands for a process that was ended with its container: then nobody saw how. */
  async #endedWithContainer({ Pid, ContainerID }: ExecAnswer, known: Known | undefined, options?: CallOptions): Promise<boolean> {
    const container = ContainerID ?? known?.containerId
    if ((Pid !== undefined && Pid !== null) || known?.beginning === undefined || container === undefined) return false
    try {
      const { State } = await inspect(this.#context, container, options)
      return !isRunning(State) && State.Paused !== true
    } catch (error) {
      if (isEngineError(error, 'not_found')) return true
      throw error
    }
  }

  /** Daemons keep them longer; then an id would mean a process of an earlier run. */
  async #forgetWithContainer(
    execId: string,
    containerId: string | null | undefined,
    answer: ExecAnswer,
    options?: CallOptions,
  ): Promise<void> {
    const known = this.#known.get(execId)
    if (answer.Running === true || !wasStarted(answer, known) || containerId === null || containerId === undefined) return
    const { State } = await inspect(this.#context, containerId, options)
    const run = isRunning(State) || State.Paused === true ? (State.StartedAt ?? '') : undefined
    if (run !== undefined && (known?.run ?? run) === run) {
      if (known !== undefined) known.run = run
      return
    }
    this.#forgotten.add(execId)
    const [oldest] = this.#forgotten
    if (this.#forgotten.size > remembered && oldest !== undefined) this.#forgotten.delete(oldest)
    this.#known.delete(execId)
    throw noExec(execId)
  }

  async #inspect(execId: string, options: CallOptions = {}): Promise<ExecAnswer> {
    if (this.#forgotten.has(execId)) throw noExec(execId)
    const { calls } = this.#context
    return parse(
      execAnswer,
      await calls.json('GET', path`/exec/${execId}/json`, { subject: subjectOf(execId), ...options }),
      'GET /exec/{id}/json',
    )
  }
  async #resize(execId: string, tty: boolean, { columns, rows }: TerminalSize, options: CallOptions = {}): Promise<void> {
    if (!tty) throw new EngineError('failed_precondition', `exec "${execId}" has no terminal`, { subject: subjectOf(execId) })
    const query = { w: columns, h: rows }
    for (let pauseMs = shortestMs; ; pauseMs *= 2) {
      try {
        await this.#context.calls.json('POST', path`/exec/${execId}/resize`, { query, subject: subjectOf(execId), ...options })
        const early = (this.#known.get(execId)?.losesSizeUntil ?? 0) - performance.now()
        if (early <= 0) return
        await sleep(early + 1, options.signal)
        pauseMs = shortestMs / 2
      } catch (error) {
        // The streams are there before the process is.
        const mayCome = this.#known.get(execId)?.started === true && pauseMs <= longestMs && isEngineError(error, 'failed_precondition')
        if (!mayCome || (await this.#state(execId, options)) !== undefined) throw error
        await sleep(pauseMs, options.signal)
      }
    }
  }
  #remember(execId: string, containerId: string, spec: ExecSpec): void {
    let outputEnded = (): void => {}
    const output = new Promise<void>((resolve) => {
      outputEnded = resolve
    })
    this.#known.set(execId, {
      containerId,
      spec,
      started: false,
      exit: undefined,
      since: new Date(Date.now() - clockSkewMs),
      output,
      outputEnded,
    })
    const [oldest] = this.#known.keys()
    if (this.#known.size > remembered && oldest !== undefined) this.#known.delete(oldest)
  }
}

function noExec(execId: string): EngineError {
  return new EngineError('not_found', `no exec "${execId}"`, { subject: subjectOf(execId) })
}
const subjectOf = (execId: string): Subject => ({ kind: 'exec', id: execId })

/** A process that has run has a pid; where no pid is told, only who started it knows. */
function wasStarted({ Pid, ExitCode }: ExecAnswer, known: Known | undefined): boolean {
  return known?.started === true || (Pid ?? 0) > 0 || (known === undefined && (ExitCode ?? 0) !== 0)
}
