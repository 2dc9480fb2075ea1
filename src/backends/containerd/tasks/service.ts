// TaskService on containerd. What it promises beyond one connection, or one process, stands in files below `directory`.
import type { Locks } from '../../../ports/engine/locks.js'
import type { CallOptions, Closeable } from '../../../model/common.js'
import type { ExitStatus, ProcessRef, Signal } from '../../../model/process.js'
import type {
  DeleteProcessOptions,
  ExecRequest,
  ProcessInfo,
  StartedProcess,
  TaskControl,
  TaskEvent,
  TaskIo,
  TaskRequest,
  TaskService,
} from '../../../ports/engine/tasks.js'
import { raceAbort } from '../../../util/abort.js'
import type { Calls } from '../channel.js'
import type { Runtimes } from '../runtimes.js'
import { Cgroups } from './cgroups.js'
import { type TaskContext, known, mustKnow } from './context.js'
import { ContainerdTaskControl } from './control.js'
import { TaskEvents } from './events.js'
import { execProcess } from './exec.js'
import { signalNumber } from './exit-status.js'
import { Exits } from './exits.js'
import { ContainerdTaskIo } from './io.js'
import { findProcess, listTasks } from './lookup.js'
import { deleteProcess } from './remove.js'
import { repairTasks } from './repair.js'
import { runTask } from './run.js'
import { TaskFiles } from './task-files.js'
import { Wire } from './wire.js'

export interface ContainerdTasksOptions {
  readonly calls: Calls
  /** `<root>/tasks`. */
  readonly directory: string
  /** The root's uuid: what we write into containerd carries it. */
  readonly rootId: string
  /** Of the root: shared with all processes that may settle the same task. */
  readonly locks: Pick<Locks, 'acquire'>
  readonly runtimes: Pick<Runtimes, 'resolve' | 'features'>
}

/** To be closed before the channel: then nobody waits for exits any more. Processes go on. */
export class ContainerdTasks implements TaskService, Closeable {
  readonly io: TaskIo
  readonly control: TaskControl
  readonly #context: TaskContext
  readonly #events: TaskEvents

  constructor({ calls, directory, rootId, locks, runtimes }: ContainerdTasksOptions) {
    const wire = new Wire(calls, rootId, locks)
    const cgroups = new Cgroups()
    this.#context = {
      wire,
      cgroups,
      runtimes,
      files: new TaskFiles(directory),
      exits: new Exits(wire, cgroups, calls.trace),
      making: new Set(),
      trace: calls.trace,
    }
    this.#events = new TaskEvents(this.#context)
    this.io = new ContainerdTaskIo(this.#context)
    this.control = new ContainerdTaskControl(this.#context)
  }

  run(request: TaskRequest, options: CallOptions = {}): Promise<StartedProcess> {
    return runTask(this.#context, request, options)
  }
  exec(request: ExecRequest, options: CallOptions = {}): Promise<StartedProcess> {
    return execProcess(this.#context, request, options)
  }
  async kill(ref: ProcessRef, signal: Signal, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    const number = signalNumber(signal)
    const found = await known(this.#context, ref)
    if (found === undefined || (await found.files.exit(found.state)) !== undefined) return
    await found.files.addSignal(signal)
    const all = number === signalNumber('SIGKILL') && ref.execId === undefined && found.state.sharedPids
    await this.#context.wire.kill(found.state, number, all, options)
  }
  async wait(ref: ProcessRef, options: CallOptions = {}): Promise<ExitStatus> {
    options.signal?.throwIfAborted()
    const { files, state } = await mustKnow(this.#context, ref, options)
    return (await files.exit(state)) ?? (await raceAbort(this.#context.exits.watch(files, state).exit, options.signal))
  }
  delete(ref: ProcessRef, options: DeleteProcessOptions = {}): Promise<void> {
    return deleteProcess(this.#context, ref, options)
  }
  find(ref: ProcessRef, options: CallOptions = {}): Promise<ProcessInfo | undefined> {
    return findProcess(this.#context, ref, options)
  }
  list(options: CallOptions = {}): AsyncIterable<ProcessInfo> {
    return listTasks(this.#context, options)
  }
  events(options: CallOptions = {}): AsyncIterable<TaskEvent> {
    return this.#events.read(options)
  }
  repair(options: CallOptions = {}): Promise<readonly string[]> {
    return repairTasks(this.#context, options)
  }
  async close(): Promise<void> {
    this.#events.close()
    this.#context.exits.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
