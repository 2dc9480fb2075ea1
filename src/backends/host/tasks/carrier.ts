// What carries processes below this mechanism: a daemon with its shims, or programs that this process starts itself. It knows
// of no file here but those that a job names, and keeps no promise beyond one connection or one process.
import type { CallOptions, Mount } from '../../../model/common.js'
import type { RuntimeProcess, RuntimeRef, RuntimeResources, RuntimeSpec, TerminalSize } from '../../../model/process.js'
import type { ResourceSample, TaskRequest } from '../../../ports/engine/tasks.js'
import type { ProcessFiles, TaskState } from './task-files.js'

export interface CarriedExit {
  readonly exitStatus: number
  readonly exitedAt: Date | undefined
  /** Present: the carrier knows, or knows that nobody can; its cgroup is gone. */
  readonly oom?: { readonly killed: boolean | undefined } | undefined
}
export interface CarriedProcess extends CarriedExit {
  readonly status: 'created' | 'running' | 'paused' | 'stopped'
  readonly pid: number
}
/** Paths: plain files for output, a FIFO for input. All absent: nothing is connected. */
export interface CarriedStdio {
  readonly stdin?: string | undefined
  readonly stdout?: string | undefined
  readonly stderr?: string | undefined
  readonly tty: boolean
}
export type CarriedTarget = Pick<TaskState, 'wireId' | 'containerId' | 'execId'>

interface Job {
  readonly files: ProcessFiles
  readonly state: TaskState
  readonly stdio: CarriedStdio
  /** Aborted when nobody waits for the process any more. */
  readonly until: AbortSignal
  /** Cancelled, it would leave half of something: whoever gives up waits for it. */
  underWay(work: Promise<unknown>): void
}
export interface RunJob extends Job, Pick<TaskRequest, 'lifetime' | 'sandbox'> {
  readonly runtime: RuntimeRef
  /** As the runtime wants it. */
  readonly spec: RuntimeSpec
  readonly rootfs: readonly Mount[]
}
export interface ExecJob extends Job {
  readonly execId: string
  readonly process: RuntimeProcess
}
export interface Launched {
  readonly pid: number
  /** A wait that began before the process could end. */
  readonly waiting?: Promise<CarriedExit | undefined> | undefined
}
export interface FindOptions extends CallOptions {
  /** Wait for a carrier that is away, however long. Default: `unavailable` after a while. */
  readonly patient?: boolean | undefined
}

/** Failures of a runtime come in its own words: `exec-errors.ts` reads them. */
export interface Carrier {
  /** Noted with the task before anything is made of it, and not read by anybody else. Throws what `run` would for a request that it cannot carry. */
  mode(request: TaskRequest, spec: RuntimeSpec): string | undefined
  /** Resolves when init is released and noted as started. */
  run(job: RunJob, options: CallOptions): Promise<Launched>
  exec(job: ExecJob, options: CallOptions): Promise<Launched>
  /** `undefined`: there is no such process. */
  find(state: TaskState, options: FindOptions): Promise<CarriedProcess | undefined>
  /** Takes as long as it runs. `undefined`: it is gone, and the carrier cannot say how. */
  wait(state: TaskState, options: CallOptions): Promise<CarriedExit | undefined>
  /** Did this failure of `wait` break with the process for good? Then it is not asked again for ever. */
  isBroken(error: unknown): boolean
  /** Resolves with whether there was one to get it. `all`: what shares its cgroup, too. */
  kill(state: TaskState, signal: number, all: boolean, options: CallOptions): Promise<boolean>
  /** For one that has ended: resolves when its output is in the files and nothing is kept of it. Absent is success. */
  release(state: TaskState, options: CallOptions): Promise<void>
  /** For one in any state, half-made included. Absent is success. */
  destroy(state: TaskState, options: CallOptions): Promise<void>
  readonly control: CarrierControl
  readonly survey: CarrierSurvey
}
/** On a live process. */
export interface CarrierControl {
  pause(state: TaskState, options: CallOptions): Promise<void>
  resume(state: TaskState, options: CallOptions): Promise<void>
  update(state: TaskState, resources: RuntimeResources, options: CallOptions): Promise<void>
  pids(state: TaskState, options: CallOptions): Promise<readonly number[]>
  /** Where the cgroup on this host does not tell. `undefined`: nobody does. */
  sample(state: TaskState, options: CallOptions): Promise<ResourceSample | undefined>
  /** A process already gone is success. */
  closeStdin(state: TaskState, options: CallOptions): Promise<void>
  /** A process already gone is success. */
  resize(state: TaskState, size: TerminalSize, options: CallOptions): Promise<void>
}
/** Everything of this root that the carrier knows, whether there are files of it or not. */
export interface CarrierSurvey {
  /** Everything that is ours, ended and half-made ones included. */
  targets(options: CallOptions): Promise<readonly CarriedTarget[]>
  /** Of `targets`, those that have a process, by wire id. */
  tasks(options: CallOptions): Promise<ReadonlyMap<string, CarriedProcess>>
  /** One of `targets` that has no files here. */
  destroy(target: CarriedTarget, options: CallOptions): Promise<void>
  /**
   * What happens from now on, as hints; ends with the connection. `ready` is called when nothing can be missed any more.
   * `changed`: something did, look for yourself.
   */
  events(ready: () => void, signal: AbortSignal): AsyncIterable<CarrierEvent>
}
export type CarrierEvent =
  | { readonly kind: 'exited' | 'oom'; readonly wireId: string; readonly execId?: string | undefined }
  | { readonly kind: 'changed' }
