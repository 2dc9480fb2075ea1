// TaskService over a carrier. What it promises beyond one connection, or one process, stands in files below `directory`.
import type { CallOptions, Closeable } from '../../../model/common.js'
import type { ExitStatus, ProcessRef, Signal } from '../../../model/process.js'
import type { Trace } from '../../../model/trace.js'
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
import type { Carrier } from './carrier.js'
import type { Cgroups } from './cgroups.js'
import { type TaskContext, type TaskRuntimes, known, mustKnow } from './context.js'
import { CarriedTaskControl } from './control.js'
import { TaskEvents } from './events.js'
import { execProcess } from './exec.js'
import { signalNumber } from './exit-status.js'
import { Exits } from './exits.js'
import { CarriedTaskIo } from './io.js'
import { findProcess, listTasks } from './lookup.js'
import { deleteProcess } from './remove.js'
import { repairTasks } from './repair.js'
import { runTask } from './run.js'
import type { TaskFiles } from './task-files.js'

export interface CarriedTasksOptions {
  readonly carrier: Carrier
  readonly files: TaskFiles
  readonly cgroups: Cgroups
  readonly runtimes: TaskRuntimes
  /** A FIFO of that name, mode 0600. */
  makeFifo(path: string): Promise<void>
  /** For tests of crashes: called before each step that is none of the carrier's. */
  readonly step?: ((name: string) => void | Promise<void>) | undefined
  readonly trace: Trace
  /** Ends what cannot go on without this process, while its end is still seen. */
  closing?(): Promise<void>
  closed?(): Promise<void>
}

/** To be closed before its carrier: then nobody waits for exits any more. What outlives this process goes on. Twice is success. */
export class CarriedTasks implements TaskService, Closeable {
  readonly io: TaskIo
  readonly control: TaskControl
  readonly #context: TaskContext
  readonly #events: TaskEvents
  readonly #options: Pick<CarriedTasksOptions, 'closing' | 'closed'>

  constructor(options: CarriedTasksOptions) {
    const { carrier, files, cgroups, runtimes, makeFifo, step, trace } = options
    this.#options = options
    const stepping = async (name: string): Promise<void> => step?.(name)
    this.#context = {
      carrier,
      files,
      cgroups,
      runtimes,
      exits: new Exits(carrier, cgroups, stepping, trace),
      making: new Set(),
      makeFifo,
      step: stepping,
      trace,
    }
    this.#events = new TaskEvents(this.#context)
    this.io = new CarriedTaskIo(this.#context)
    this.control = new CarriedTaskControl(this.#context)
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
    await this.#context.carrier.kill(found.state, number, all, options)
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
    await this.#options.closing?.()
    this.#events.close()
    this.#context.exits.close()
    await this.#options.closed?.()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
