// What the ways of carrying a process in this room share.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { Trace } from '../../../model/trace.js'
import { runProgram } from '../../host/programs.js'
import type { Cgroups } from '../../host/tasks/cgroups.js'
import { bootId, isAlive, startTimeOf } from '../../host/tasks/claimant.js'
import { refOf } from '../../host/tasks/context.js'
import type { ProcessFiles, StartedAs, TaskFiles, TaskState } from '../../host/tasks/task-files.js'
import { type OciProgram, deleteArguments, stateNames } from '../oci-cli.js'
import type { LocalForm, LocalRuntimes } from '../runtimes.js'
import type { CompiledFilters } from './compiled-filters.js'
import type { FifoPool } from './fifo-pool.js'
import { sendSignal } from './send-signal.js'

export interface LocalContext {
  readonly files: TaskFiles
  readonly runtimes: Pick<LocalRuntimes, 'resolve' | 'features'>
  readonly cgroups: Cgroups
  readonly fifos: FifoPool
  readonly filters: CompiledFilters
  /** Of the room's table. */
  readonly runtimeNames: readonly string[]
  readonly step: (name: string) => Promise<void>
  readonly trace: Trace
}

export function filesOf({ files }: Pick<LocalContext, 'files'>, state: TaskState): ProcessFiles {
  return files.of(refOf(state))
}
/** `undefined`: the runtime of this task is not to be had any more. */
export function formOf({ runtimes }: Pick<LocalContext, 'runtimes'>, state: Pick<TaskState, 'runtime'>): LocalForm | undefined {
  try {
    return runtimes.resolve({ name: state.runtime }).form
  } catch (error) {
    if (isEngineError(error)) return undefined
    throw error
  }
}
/** The process of a task or exec that was let go, if it is still there. */
export function liveProcess(files: ProcessFiles, { claimant }: TaskState): Promise<StartedAs | undefined> {
  return files.startedAs().then((as) => {
    return as !== undefined && claimant.bootId === bootId() && startTimeOf(as.pid) === as.startTime ? as : undefined
  })
}
/** Is this run still the one whose files are there? Then what is called by the container's id, not by the run's, is this one's. */
export async function holdsPlace(
  { files }: Pick<LocalContext, 'files'>,
  { containerId, wireId }: Pick<TaskState, 'containerId' | 'wireId'>,
): Promise<boolean> {
  return (await files.of({ containerId }).state())?.wireId === wireId
}
/** Ends what is left in its cgroups, and takes them away. */
export async function clearCgroup(context: LocalContext, state: TaskState): Promise<void> {
  if (!(await holdsPlace(context, state))) return
  await killGroup(context, state.cgroup)
  await context.cgroups.clear(state.cgroup)
}
export function claimantLives({ claimant }: TaskState): Promise<boolean> {
  return isAlive(claimant)
}
export async function runVerb(program: OciProgram, args: readonly string[], options: CallOptions = {}): Promise<string> {
  return Buffer.from(await runProgram(program.binary, args, { ...options, env: program.env })).toString()
}
/** What the runtime still keeps of a container, its processes included. Absent is success. */
export async function deleteState(
  { runtimes }: LocalContext,
  state: Pick<TaskState, 'wireId' | 'runtime'>,
  options: CallOptions,
): Promise<void> {
  const form = formOf({ runtimes }, state)
  if (form === undefined || !keepsState(form, state.wireId)) return
  try {
    await runVerb(form, deleteArguments(form, state.wireId), options)
  } catch (error) {
    options.signal?.throwIfAborted()
    // Somebody else may have been quicker.
    if (keepsState(form, state.wireId)) throw error
  }
}
function keepsState({ root }: OciProgram, wireId: string): boolean {
  return stateNames(wireId).some((name) => existsSync(join(root, name)))
}
/** Everything in a cgroup, until nothing is left there. */
export async function killGroup({ cgroups }: Pick<LocalContext, 'cgroups'>, cgroup: string | undefined): Promise<void> {
  for (let round = 0; round < 50; round += 1) {
    const pids = (await cgroups.processes(cgroup)) ?? []
    if (pids.length === 0) return
    for (const pid of pids) sendSignal(pid, 9)
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
}
