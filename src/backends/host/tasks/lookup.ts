// Finds processes: from what is stored, then from what the carrier knows.
import type { CallOptions } from '../../../model/common.js'
import type { ProcessRef } from '../../../model/process.js'
import type { ProcessInfo } from '../../../ports/engine/tasks.js'
import { raceAbort } from '../../../util/abort.js'
import { type Known, type TaskContext, known, refOf } from './context.js'
import type { CarriedProcess } from './carrier.js'

export async function findProcess(context: TaskContext, ref: ProcessRef, options: CallOptions): Promise<ProcessInfo | undefined> {
  options.signal?.throwIfAborted()
  const found = await known(context, ref)
  if (found === undefined) return undefined
  const stored = await found.files.exit(found.state)
  if (stored !== undefined) return { ref: refOf(ref), status: 'exited', exit: stored }
  return toInfo(context, found, await context.carrier.find(found.state, options), options)
}

/** Stored exits of tasks that are still kept, too. Execs are left out: who runs them knows them. */
export async function* listTasks(context: TaskContext, options: CallOptions): AsyncGenerator<ProcessInfo, void, undefined> {
  options.signal?.throwIfAborted()
  // Before the directories are read: what is there now and not in the answer has ended.
  const containers = await context.carrier.survey.targets(options)
  const seen = new Set<string>()
  const live: Known[] = []
  for await (const found of context.files.list()) {
    options.signal?.throwIfAborted()
    seen.add(found.state.wireId)
    const exit = await found.files.exit(found.state)
    if (exit !== undefined) yield { ref: refOf(found.state), status: 'exited', exit }
    else live.push(found)
  }
  const tasks = await context.carrier.survey.tasks(options)
  for (const found of live) {
    const info = await toInfo(context, found, tasks.get(found.state.wireId), options)
    if (info !== undefined) yield info
  }
  // Of a root whose directory was lost, say: so that they can be told and removed.
  for (const { wireId, containerId } of containers) {
    const task = tasks.get(wireId)
    if (seen.has(wireId) || task === undefined || task.status === 'created') continue
    if ((await known(context, { containerId })) !== undefined) continue
    yield { ref: { containerId }, status: task.status === 'paused' ? 'paused' : 'running', pid: task.pid }
  }
}

/** `undefined`: it is being made, or was given up half-made. */
async function toInfo(
  context: TaskContext,
  found: Known,
  task: CarriedProcess | undefined,
  options: CallOptions,
): Promise<ProcessInfo | undefined> {
  const ref = refOf(found.state)
  if (task?.status === 'running' || task?.status === 'paused') {
    const hostPid = context.runtimes.features(found.state.runtime)?.hostPid !== false
    return { ref, status: task.status, ...(hostPid && { pid: task.pid }) }
  }
  if (task?.status === 'created') return undefined
  if (task === undefined && !(await found.files.started())) {
    const exit = await found.files.exit(found.state)
    return exit && { ref, status: 'exited', exit }
  }
  const { exit } = context.exits.watch(found.files, found.state)
  return { ref, status: 'exited', exit: await raceAbort(exit, options.signal) }
}
