// How a process ended, from what is still there to be read before anything is freed: the cgroup goes with the task.
import type { ExitStatus } from '../../../model/process.js'
import type { Cgroups } from './cgroups.js'
import { lostExit, toExitStatus } from './exit-status.js'
import type { ProcessFiles, TaskState } from './task-files.js'
import type { CarriedExit } from './carrier.js'

/** `end` is what the carrier told; `undefined`: nothing. */
export async function judge(
  cgroups: Pick<Cgroups, 'oomKills'>,
  files: ProcessFiles,
  state: TaskState,
  end: CarriedExit | undefined,
): Promise<ExitStatus> {
  const oomKilled = await wasOomKilled(cgroups, state, end)
  // 255 without a time is a shim's way to say that it does not know.
  if (end === undefined || (end.exitStatus === 255 && (end.exitedAt === undefined || end.exitedAt.getTime() <= 0)))
    return lostExit(oomKilled)
  const sent = end.exitStatus > 128 ? await files.signals() : []
  return toExitStatus({ ...end, sent, oomKilled })
}

async function wasOomKilled(
  cgroups: Pick<Cgroups, 'oomKills'>,
  state: TaskState,
  end: CarriedExit | undefined,
): Promise<boolean | undefined> {
  // An exec shares the cgroup: the count is about it only if it rose meanwhile and it was killed.
  if (state.execId !== undefined && end !== undefined && end.exitStatus !== 137) return false
  if (end?.oom !== undefined) return end.oom.killed
  const kills = await cgroups.oomKills(state.cgroup)
  return kills === undefined ? undefined : kills > (state.oomBefore ?? 0)
}
