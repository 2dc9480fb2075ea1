// What the verbs on tasks share.
import type { Trace } from '../../../model/trace.js'
import { EngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { ProcessRef, RuntimeRef, RuntimeSpec } from '../../../model/process.js'
import type { RuntimeFeatures } from '../../../ports/drivers/runtime.js'
import type { Cgroups } from './cgroups.js'
import type { Exits } from './exits.js'
import type { ProcessFiles, TaskFiles, TaskState } from './task-files.js'
import type { Carrier } from './carrier.js'

/** The room's table of runtimes, as far as it is no affair of the carrier. */
export interface TaskRuntimes {
  /** No I/O. Throws `invalid_argument` for an unknown name, `failed_precondition` for one whose binary is missing. */
  resolve(ref: RuntimeRef): { readonly name: string; readonly features: RuntimeFeatures; adaptSpec(spec: RuntimeSpec): RuntimeSpec }
  features(name: string): RuntimeFeatures | undefined
}
export interface TaskContext {
  readonly carrier: Carrier
  readonly files: TaskFiles
  readonly runtimes: TaskRuntimes
  readonly cgroups: Cgroups
  readonly exits: Exits
  /** Wire ids of the tasks and execs that this process is making now. */
  readonly making: Set<string>
  /** A FIFO of that name, mode 0600. */
  readonly makeFifo: (path: string) => Promise<void>
  /** For tests of crashes: a step that is none of the carrier's. */
  readonly step: (name: string) => Promise<void>
  readonly trace: Trace
}
export interface Known {
  readonly files: ProcessFiles
  readonly state: TaskState
}

export async function known({ files }: Pick<TaskContext, 'files'>, ref: ProcessRef): Promise<Known | undefined> {
  const own = files.of(ref)
  const state = await own.state()
  return state && { files: own, state }
}
/** Throws `not_found` for a process that is not there, or not yet. */
export async function mustKnow(context: Pick<TaskContext, 'files' | 'carrier'>, ref: ProcessRef, options: CallOptions): Promise<Known> {
  const found = await known(context, ref)
  if (found === undefined) throw missing(ref)
  if ((await found.files.started()) || (await found.files.exit(found.state)) !== undefined) return found
  // Its maker may have died between the start and the note of it.
  const process = await context.carrier.find(found.state, options)
  if (process === undefined || process.status === 'created') throw missing(ref)
  return found
}
export function missing({ containerId, execId }: ProcessRef): EngineError {
  return execId === undefined
    ? new EngineError('not_found', `container "${containerId}" has no task`, { subject: { kind: 'container', id: containerId } })
    : new EngineError('not_found', `container "${containerId}" has no exec "${execId}"`, { subject: { kind: 'exec', id: execId } })
}
export function named({ containerId, execId }: ProcessRef): string {
  return execId === undefined ? `container "${containerId}"` : `exec "${execId}" of container "${containerId}"`
}
export function refOf({ containerId, execId }: ProcessRef): ProcessRef {
  return execId === undefined ? { containerId } : { containerId, execId }
}
export function subjectOf({ containerId, execId }: ProcessRef): { readonly kind: string; readonly id: string } {
  return execId === undefined ? { kind: 'container', id: containerId } : { kind: 'exec', id: execId }
}
