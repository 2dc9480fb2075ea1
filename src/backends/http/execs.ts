// Further processes of running containers.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ExecInfo, ExecSpec } from '../../model/exec.js'
import type { ExitStatus, Signal, TerminalSize } from '../../model/process.js'
import type { ExecService, StartExecOptions } from '../../ports/backend/execs.js'
import type { Attachment } from '../../ports/streams.js'
import { sleep } from '../../util/abort.js'
import { HttpAttachment } from './attachment.js'
import type { Subject } from './calls.js'
import { type ContainerContext, containerSubject } from './container-context.js'
import { unsupported } from './context.js'
import { path } from './path.js'
import { createExecAnswer, type ExecAnswer, execAnswer, toExecSpec } from './wire/exec.js'
import { parse } from './wire/parse.js'

/** What this process knows of an exec that it made, beside what the daemon tells. */
interface Known {
  readonly containerId: string
  readonly spec: ExecSpec
  started: boolean
  exit: ExitStatus | undefined
  /** Resolves when its output is complete: it has ended, or soon will have. */
  readonly output: Promise<void>
  readonly outputEnded: () => void
}
const remembered = 5_000
const shortestMs = 5
const longestMs = 500

export class HttpExecs implements ExecService {
  readonly #context: ContainerContext
  readonly #known: Map<string, Known> = new Map()
  constructor(context: ContainerContext) {
    this.#context = context
  }

  async create(containerId: string, spec: ExecSpec, { signal }: CallOptions = {}): Promise<string> {
    const { command, env, user, workingDir, tty = false, stdin = false, privileged = false } = spec
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
    const tty = known?.spec.tty ?? (await this.#inspect(execId, { signal })).ProcessConfig?.tty === true
    if (known !== undefined) known.started = true
    const body = { Detach: attach === undefined, Tty: tty }
    const subject = subjectOf(execId)
    if (attach === undefined) {
      await this.#startDetached(execId, body)
      return undefined
    }
    const connection = await this.#context.calls.hijack(path`/exec/${execId}/start`, { body, subject, signal })
    const attachment = new HttpAttachment(connection, {
      subject,
      tty,
      stdin: attach.stdin,
      framed: !tty,
      ended: async () => (await this.#state(execId)) !== undefined,
      resize: (size, options) => this.#resize(execId, tty, size, options),
      finished: known?.outputEnded,
    })
    return attachment
  }

  async get(execId: string, options?: CallOptions): Promise<ExecInfo> {
    const answer = await this.#inspect(execId, options)
    const known = this.#known.get(execId)
    const spec = known?.spec ?? toExecSpec(answer)
    const common = { id: execId, containerId: answer.ContainerID ?? known?.containerId ?? '', spec }
    const exit = this.#exitOf(execId, answer)
    if (exit !== undefined) return { ...common, state: { status: 'exited', exit } }
    if (answer.Running !== true && !wasStarted(answer, known)) return { ...common, state: { status: 'created' } }
    return { ...common, state: { status: 'running', pid: answer.Pid === 0 ? undefined : (answer.Pid ?? undefined) } }
  }

  /** No daemon tells of the end by itself but in its events, which may be lost: it is asked, at once when the output ends. */
  async wait(execId: string, { signal }: CallOptions = {}): Promise<ExitStatus> {
    signal?.throwIfAborted()
    const known = this.#known.get(execId)
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
    const tty = this.#known.get(execId)?.spec.tty ?? (await this.#inspect(execId, options)).ProcessConfig?.tty === true
    await this.#resize(execId, tty, size, options)
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

  /** The exit, if there was one. */
  async #state(execId: string, options?: CallOptions): Promise<ExitStatus | undefined> {
    const known = this.#known.get(execId)
    const answer = await this.#inspect(execId, options)
    if (answer.Running !== true && !wasStarted(answer, known))
      throw new EngineError('failed_precondition', `exec "${execId}" was not started`, { subject: subjectOf(execId) })
    return this.#exitOf(execId, answer)
  }
  #exitOf(execId: string, { Running, ExitCode, ...rest }: ExecAnswer): ExitStatus | undefined {
    const known = this.#known.get(execId)
    if (known?.exit !== undefined) return known.exit
    // For a moment it does not run any more and nobody knows its code yet.
    if (Running === true || ExitCode === null || ExitCode === undefined || !wasStarted({ Running, ExitCode, ...rest }, known))
      return undefined
    const exit: ExitStatus = { exitCode: ExitCode & 0xff, exitedAt: new Date(), oomKilled: undefined, lost: false }
    if (known !== undefined) known.exit = exit
    return exit
  }

  async #inspect(execId: string, options: CallOptions = {}): Promise<ExecAnswer> {
    const { calls } = this.#context
    return parse(
      execAnswer,
      await calls.json('GET', path`/exec/${execId}/json`, { subject: subjectOf(execId), ...options }),
      'GET /exec/{id}/json',
    )
  }
  async #resize(execId: string, tty: boolean, { columns, rows }: TerminalSize, options: CallOptions = {}): Promise<void> {
    if (!tty) throw new EngineError('failed_precondition', `exec "${execId}" has no terminal`, { subject: subjectOf(execId) })
    await this.#context.calls.json('POST', path`/exec/${execId}/resize`, {
      query: { w: columns, h: rows },
      subject: subjectOf(execId),
      ...options,
    })
  }
  #remember(execId: string, containerId: string, spec: ExecSpec): void {
    let outputEnded = (): void => {}
    const output = new Promise<void>((resolve) => {
      outputEnded = resolve
    })
    this.#known.set(execId, { containerId, spec, started: false, exit: undefined, output, outputEnded })
    const [oldest] = this.#known.keys()
    if (this.#known.size > remembered && oldest !== undefined) this.#known.delete(oldest)
  }
}

const subjectOf = (execId: string): Subject => ({ kind: 'exec', id: execId })

/** A process that has run has a pid; where no pid is told, only who started it knows. */
function wasStarted({ Pid, ExitCode }: ExecAnswer, known: Known | undefined): boolean {
  return known?.started === true || (Pid ?? 0) > 0 || (known === undefined && (ExitCode ?? 0) !== 0)
}
