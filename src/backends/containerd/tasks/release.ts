// Frees what containerd, its shim and the runtime keep of a process.
import { isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import { sleep, within } from '../../../util/abort.js'
import type { Cgroups } from '../../host/tasks/cgroups.js'
import type { TaskState } from '../../host/tasks/task-files.js'
import { thaw } from '../../host/tasks/thaw.js'
import type { Wire } from './wire.js'
import { resumeTask } from './wire-verbs.js'

/** A delete waits until output is copied, which something that inherited it can hold up. */
const deleteMs = 30_000
/** A runtime may not get rid of a cgroup whose processes the kernel has still to bury, on a busy machine for seconds. */
const attemptsMs = 5_000
const pauseMs = { first: 50, most: 400 }
const sigkill = 9

type Target = Pick<TaskState, 'wireId' | 'containerId' | 'execId' | 'sharedPids'>

/** For one that has ended. Absent is success. Task before container: the other way round the task cannot be reached any more. */
export async function release(wire: Wire, target: Target, options: CallOptions): Promise<void> {
  // With processes that outlive init the output is open, and the cgroup is not empty.
  if (target.execId === undefined && target.sharedPids) await wire.kill(target, sigkill, true, options).catch(() => false)
  const deadline = performance.now() + attemptsMs
  for (let pause = pauseMs.first; ; pause = Math.min(pause * 2, pauseMs.most)) {
    try {
      await wire.deleteProcess(target, { ...options, waitForReady: true, deadlineMs: deleteMs })
      break
    } catch (error) {
      options.signal?.throwIfAborted()
      if (performance.now() > deadline) throw error
      if (target.execId === undefined) await wire.kill(target, sigkill, true, options).catch(() => false)
      await sleep(pause, options.signal)
    }
  }
  if (target.execId === undefined) await wire.deleteContainer(target, { ...options })
}

/** For one in any state, half-made included. Absent is success. */
export async function destroy(wire: Wire, target: Target, options: CallOptions): Promise<void> {
  const alive = await wire.kill(target, sigkill, target.execId === undefined && target.sharedPids, options).catch((error: unknown) => {
    options.signal?.throwIfAborted()
    // Of a container that was only created some runtimes say that it does not run.
    if (!isEngineError(error, 'failed_precondition') && !isEngineError(error, 'internal')) throw error
    return true
  })
  if (alive) {
    const found = await wire.find(target, options)
    const isPaused = async (): Promise<boolean> => (await wire.find(target, options))?.status === 'paused'
    if (found?.status === 'paused') await thaw(() => resumeTask(wire.calls, target, options), isPaused, options)
    // An exec that was only registered is no process: nothing of it ends.
    const ends = found !== undefined && found.status !== 'stopped' && (target.execId === undefined || found.status !== 'created')
    if (ends) await within(deleteMs, (inner) => wire.wait(target, inner).catch(() => undefined), options)
  }
  await release(wire, target, options)
}

/** For one that was never seen to run, or whose shim died: what the runtime would have removed goes, too. */
export async function destroyTask(
  { wire, cgroups }: { readonly wire: Wire; readonly cgroups: Pick<Cgroups, 'clear'> },
  state: Target & Pick<TaskState, 'cgroup'>,
  options: CallOptions,
): Promise<void> {
  await destroy(wire, state, options)
  if (state.execId === undefined) await cgroups.clear(state.cgroup)
}
