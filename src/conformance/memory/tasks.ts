// TaskService without processes: commands of a shell of ten words, see `shell.ts`; any other runs until it is killed.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ExitStatus, ProcessRef, RuntimeProcess, Signal } from '../../model/process.js'
import type {
  DeleteProcessOptions,
  ExecRequest,
  ProcessInfo,
  StartedProcess,
  StdioPlan,
  TaskControl,
  TaskEvent,
  TaskIo,
  TaskRequest,
  TaskService,
} from '../../ports/engine/tasks.js'
import { raceAbort } from '../../util/abort.js'
import { MemoryProcess } from './process.js'
import { type MemoryRuns, MemoryTaskControl, MemoryTaskIo } from './task-roles.js'

export interface MemoryTasksOptions {
  /** Names that `run` knows. Default: every one but those that begin with `no-`. */
  readonly runtimes?: readonly string[] | undefined
}

/** One instance stands for all processes on a root. */
export class MemoryTasks implements TaskService {
  readonly io: TaskIo
  readonly control: TaskControl
  readonly #options: MemoryTasksOptions
  readonly #runs: MemoryRuns = { processes: new Map(), logs: new Map() }
  readonly #readers: Set<(event: TaskEvent) => void> = new Set()
  #pid = 100

  constructor(options: MemoryTasksOptions = {}) {
    this.#options = options
    this.io = new MemoryTaskIo(this.#runs)
    this.control = new MemoryTaskControl(this.#runs)
  }

  async run({ containerId, runtime, spec, stdio }: TaskRequest, options: CallOptions = {}): Promise<StartedProcess> {
    options.signal?.throwIfAborted()
    const { runtimes } = this.#options
    if (runtimes === undefined ? runtime?.name.startsWith('no-') : !runtimes.includes(runtime.name)) {
      throw new EngineError(
        'invalid_argument',
        `no runtime "${runtime.name}": there are ${(runtimes ?? []).map((name) => `"${name}"`).join(', ')}`,
      )
    }
    const failure = commandFailure(spec?.['process'] as RuntimeProcess | undefined)
    if (this.#runs.processes.has(containerId)) throw new EngineError('already_exists', `container "${containerId}" has a task`)
    if (failure !== undefined)
      throw new EngineError('failed_precondition', `the command of container "${containerId}" cannot be run`, { exitCode: failure })
    const process = this.#begin({ containerId }, spec?.['process'] as RuntimeProcess | undefined, stdio)
    const log = stdio?.log
    if (log !== undefined && log.driver !== 'none')
      this.#runs.logs.set(log.directory, [...(this.#runs.logs.get(log.directory) ?? []), process])
    return { pid: process.pid, ...(stdio?.attach === true && { attachment: process.attach(0) }) }
  }
  async exec({ containerId, execId, process: spec, stdio }: ExecRequest, options: CallOptions = {}): Promise<StartedProcess> {
    options.signal?.throwIfAborted()
    const task = this.#runs.processes.get(containerId)
    if (task === undefined || task.exit !== undefined || task.paused)
      throw new EngineError('failed_precondition', `container "${containerId}" does not run`)
    if (this.#runs.processes.has(keyOf({ containerId, execId })))
      throw new EngineError('already_exists', `exec "${execId}" is there already`)
    const failure = commandFailure(spec)
    const process = this.#begin({ containerId, execId }, spec, stdio)
    if (failure !== undefined) process.finish({ exitCode: failure, exitedAt: new Date(), oomKilled: false, lost: false })
    return { ...(failure === undefined && { pid: process.pid }), ...(stdio.attach && { attachment: process.attach(0) }) }
  }
  async kill(ref: ProcessRef, signal: Signal, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    if (signal === 'SIGNONE') throw new EngineError('invalid_argument', `no signal "${signal}"`)
    this.#runs.processes.get(keyOf(ref))?.kill(signal)
  }
  async wait(ref: ProcessRef, options: CallOptions = {}): Promise<ExitStatus> {
    options.signal?.throwIfAborted()
    const process = this.#runs.processes.get(keyOf(ref))
    if (process === undefined) throw new EngineError('not_found', `container "${ref.containerId}" has no such process`)
    return raceAbort(process.exited, options.signal)
  }
  async delete(ref: ProcessRef, options: DeleteProcessOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const process = this.#runs.processes.get(keyOf(ref))
    if (process === undefined) return
    if (process.exit === undefined) {
      if (options.kill !== true) throw new EngineError('failed_precondition', `container "${ref.containerId}" runs`)
      process.kill('SIGKILL')
    }
    this.#runs.processes.delete(keyOf(ref))
    if (ref.execId !== undefined) return
    for (const [key, exec] of [...this.#runs.processes]) {
      if (!key.startsWith(`${ref.containerId}/`)) continue
      exec.kill('SIGKILL')
      this.#runs.processes.delete(key)
    }
  }
  async find(ref: ProcessRef, options: CallOptions = {}): Promise<ProcessInfo | undefined> {
    options.signal?.throwIfAborted()
    const process = this.#runs.processes.get(keyOf(ref))
    return process && toInfo(ref, process)
  }
  async *list(options: CallOptions = {}): AsyncGenerator<ProcessInfo, void, undefined> {
    options.signal?.throwIfAborted()
    for (const [key, process] of [...this.#runs.processes]) if (!key.includes('/')) yield toInfo({ containerId: key }, process)
  }
  async *events(options: CallOptions = {}): AsyncGenerator<TaskEvent, void, undefined> {
    const { signal } = options
    signal?.throwIfAborted()
    const queue: TaskEvent[] = []
    let wake = (): void => {}
    const add = (event: TaskEvent): void => {
      queue.push(event)
      wake()
    }
    this.#readers.add(add)
    try {
      for (;;) {
        const event = queue.shift()
        if (event !== undefined) yield event
        else
          await raceAbort(
            new Promise<void>((resolve) => {
              wake = resolve
            }),
            signal,
          )
      }
    } finally {
      this.#readers.delete(add)
    }
  }
  async repair(options: CallOptions = {}): Promise<readonly string[]> {
    options.signal?.throwIfAborted()
    return []
  }

  /** For tests: the process ends by itself. One that is not there is taken for one that ran. */
  exit(containerId: string, exit: ExitStatus): void {
    const process = this.#runs.processes.get(containerId) ?? this.#begin({ containerId }, undefined, undefined)
    process.finish(exit)
  }
  /** For tests: as `control.pause`, also for one that is not there. */
  pause(containerId: string): void {
    const process = this.#runs.processes.get(containerId) ?? this.#begin({ containerId }, undefined, undefined)
    process.paused = true
  }

  #begin(ref: ProcessRef, spec: RuntimeProcess | undefined, stdio: StdioPlan | undefined): MemoryProcess {
    const args = (spec?.['args'] as readonly string[] | undefined) ?? []
    const process = new MemoryProcess(
      ++this.#pid,
      args.length === 0 ? ['forever'] : args,
      stdio ?? { tty: false, stdin: false, attach: false },
      ref.execId === undefined,
    )
    this.#runs.processes.set(keyOf(ref), process)
    void process.exited.then((exit) => {
      // With init goes all that ran beside it.
      if (ref.execId === undefined)
        for (const [key, one] of this.#runs.processes) if (key.startsWith(`${ref.containerId}/`)) one.kill('SIGKILL')
      if (exit.oomKilled === true) this.#tell({ kind: 'oom', ref })
      this.#tell({ kind: 'exited', ref, exit })
    })
    return process
  }
  #tell(event: TaskEvent): void {
    for (const reader of this.#readers) reader(event)
  }
}

export function keyOf({ containerId, execId }: ProcessRef): string {
  return execId === undefined ? containerId : `${containerId}/${execId}`
}
function toInfo({ containerId, execId }: ProcessRef, { pid, paused, exit }: MemoryProcess): ProcessInfo {
  const ref = execId === undefined ? { containerId } : { containerId, execId }
  return exit !== undefined ? { ref, status: 'exited', exit } : { ref, status: paused ? 'paused' : 'running', pid }
}

/** A root with `/etc` and `/etc/passwd` in it, and nothing below `/no` or named `no-…`. */
function commandFailure(spec: RuntimeProcess | undefined): 126 | 127 | undefined {
  const [command] = (spec?.['args'] as readonly string[] | undefined) ?? []
  if (spec?.['cwd'] === '/etc/passwd' || command === '/etc' || command === '/etc/passwd') return 126
  return command?.startsWith('/no/') === true || command?.startsWith('no-') === true ? 127 : undefined
}
