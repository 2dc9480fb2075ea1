// Further processes of running containers, known to this process of the root until some minutes after their exit.
import { randomBytes } from 'node:crypto'
import { EngineError, isEngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { ExecInfo, ExecSpec, ExecState } from '../model/exec.js'
import type { ExitStatus, ProcessRef, RuntimeProcess, Signal, TerminalSize } from '../model/process.js'
import type { ExecService, StartExecOptions } from '../ports/backend/execs.js'
import type { TaskService } from '../ports/engine/tasks.js'
import type { Attachment } from '../ports/streams.js'
import { raceAbort } from '../util/abort.js'
import { once } from '../util/once.js'
import type { ContainerContext } from './container/context.js'
import { storedContainer } from './container/lookup.js'
import type { ContainerRecord } from './container/record.js'

export interface ExecDeps extends Pick<ContainerContext, 'records'> {
  readonly tasks: Pick<TaskService, 'find' | 'exec' | 'kill' | 'wait' | 'delete' | 'io'>
  buildProcess(record: ContainerRecord, spec: ExecSpec, options?: CallOptions): Promise<RuntimeProcess>
  failed(step: string, error: unknown): void
}
interface Exec {
  readonly ref: ProcessRef & { readonly execId: string }
  readonly spec: ExecSpec
  state: ExecState
  /** Set by the first start. */
  exited?: Promise<ExitStatus> | undefined
}

const rememberedMs = 5 * 60_000

export class ExecManager implements ExecService {
  readonly #deps: ExecDeps
  readonly #execs: Map<string, Exec> = new Map()
  /** Containers whose end is waited for. */
  readonly #containers: Set<string> = new Set()
  constructor(deps: ExecDeps) {
    this.#deps = deps
  }

  async create(containerId: string, spec: ExecSpec, options: CallOptions = {}): Promise<string> {
    await storedContainer(this.#deps, containerId, options)
    await this.#mustRun(containerId, options)
    const execId = randomBytes(16).toString('hex')
    this.#execs.set(execId, { ref: { containerId, execId }, spec, state: { status: 'created' } })
    this.#forgetAtEnd(containerId)
    return execId
  }

  async start(execId: string, options: StartExecOptions = {}): Promise<Attachment | undefined> {
    const { attach, signal } = options
    const exec = this.#find(execId)
    const { ref, spec } = exec
    if (exec.exited !== undefined || exec.state.status !== 'created')
      throw new EngineError('failed_precondition', `exec "${execId}" was started before`)
    exec.state = { status: 'running' }
    try {
      const { value: record } = await storedContainer(this.#deps, ref.containerId, { signal })
      const process = await this.#deps.buildProcess(record, spec, { signal })
      const stdio = { tty: spec.tty ?? false, stdin: attach?.stdin ?? false, attach: attach !== undefined }
      const { pid, attachment } = await this.#deps.tasks.exec({ containerId: ref.containerId, execId, process, stdio }, { signal })
      exec.state = { status: 'running', pid }
      this.#follow(exec, attachment)
      return attachment && this.#untilRead(exec, attachment)
    } catch (error) {
      // An aborted exec may have succeeded: nobody will ever ask for it.
      this.#execs.delete(execId)
      await this.#free(ref)
      throw error
    }
  }

  /** Asks for the container, too: its end is known to others sooner than to us. */
  async get(execId: string, options: CallOptions = {}): Promise<ExecInfo> {
    const { ref, spec, state } = this.#find(execId)
    const task = await this.#deps.tasks.find({ containerId: ref.containerId }, options)
    if (task === undefined || task.status === 'exited') throw forgotten(execId)
    return { id: execId, containerId: ref.containerId, spec, state }
  }

  async wait(execId: string, options: CallOptions = {}): Promise<ExitStatus> {
    const { exited } = this.#find(execId)
    if (exited === undefined) throw new EngineError('failed_precondition', `exec "${execId}" was not started`)
    return raceAbort(exited, options.signal)
  }

  async kill(execId: string, signal: Signal, options: CallOptions = {}): Promise<void> {
    const { ref, state } = this.#find(execId)
    if (state.status === 'created') throw new EngineError('failed_precondition', `exec "${execId}" was not started`)
    if (state.status === 'running') await this.#deps.tasks.kill(ref, signal, options)
  }

  async resize(execId: string, size: TerminalSize, options: CallOptions = {}): Promise<void> {
    const { ref, spec } = this.#find(execId)
    if (spec.tty !== true) throw new EngineError('failed_precondition', `exec "${execId}" has no terminal`)
    await this.#deps.tasks.io.resize(ref, size, options)
  }

  #find(execId: string): Exec {
    const exec = this.#execs.get(execId)
    if (exec === undefined) throw forgotten(execId)
    return exec
  }
  async #mustRun(containerId: string, options: CallOptions): Promise<void> {
    const task = await this.#deps.tasks.find({ containerId }, options)
    if (task?.status !== 'running') throw new EngineError('failed_precondition', `container "${containerId}" does not run`)
  }

  #forgetAtEnd(containerId: string): void {
    if (this.#containers.has(containerId)) return
    this.#containers.add(containerId)
    const forget = (): void => {
      this.#containers.delete(containerId)
      for (const [execId, { ref }] of this.#execs) if (ref.containerId === containerId) this.#execs.delete(execId)
    }
    this.#deps.tasks.wait({ containerId }).then(forget, forget)
  }

  /** Keeps the exit, then frees what the process left: at once, or when its output has been read. */
  #follow(exec: Exec, attachment: Attachment | undefined): void {
    exec.exited = this.#deps.tasks.wait(exec.ref).then((exit) => {
      exec.state = { status: 'exited', exit }
      return exit
    })
    const forget = (): void => {
      setTimeout(() => this.#execs.delete(exec.ref.execId), rememberedMs).unref()
      if (attachment === undefined) void this.#free(exec.ref)
    }
    exec.exited.then(forget, forget)
  }
  #untilRead(exec: Exec, attachment: Attachment): Attachment {
    // Its output has ended, and then the attachment is closed: one end, freed once.
    const free = once(() => this.#free(exec.ref))
    const close = async (): Promise<void> => {
      await attachment.close()
      if (exec.state.status === 'exited') await free()
      else void exec.exited?.then(free, free)
    }
    return {
      output: ended(attachment.output, () => void exec.exited?.then(free, free)),
      write: (bytes, options) => attachment.write(bytes, options),
      closeStdin: (options) => attachment.closeStdin(options),
      resize: (size, options) => attachment.resize(size, options),
      close,
      [Symbol.asyncDispose]: close,
    }
  }
  async #free(ref: ProcessRef): Promise<void> {
    try {
      await this.#deps.tasks.delete(ref, { kill: true })
    } catch (error) {
      if (!isEngineError(error, 'not_found')) this.#deps.failed(`free exec "${ref.execId ?? ''}"`, error)
    }
  }
}

function forgotten(execId: string): EngineError {
  return new EngineError('not_found', `no exec "${execId}"`, { subject: { kind: 'exec', id: execId } })
}

async function* ended<T>(source: AsyncIterable<T>, end: () => void): AsyncGenerator<T> {
  try {
    yield* source
  } finally {
    end()
  }
}
