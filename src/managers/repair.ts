// What opening does, and `engine.repair()` again: brings down what a crash left.
import type { CallOptions } from '../model/common.js'
import type { RepairReport } from '../model/system.js'
import type { Locks } from '../ports/engine/locks.js'
import type { Storage } from '../ports/engine/storage.js'
import type { TaskService } from '../ports/engine/tasks.js'
import { repairUnpacking } from './image/repair.js'
import { type Findings, type RecoverDeps, recoverContainers } from './container/recover.js'

export interface RepairDeps extends RecoverDeps {
  readonly storage: Pick<Storage, 'repair' | 'snapshotter'>
  readonly locks: Pick<Locks, 'tryAcquire'>
  readonly tasks: RecoverDeps['tasks'] & Pick<TaskService, 'repair'>
}

/** In this order: tasks first, so that what the records are held against is true; leases last, since they keep the rest from collection. */
export async function repairEngine(deps: RepairDeps, options: CallOptions = {}): Promise<RepairReport> {
  const repaired: string[] = []
  const failed: { readonly what: string; readonly error: unknown }[] = []
  const findings: Findings = {
    repaired: (line) => {
      repaired.push(line)
    },
    failed: (what, error) => {
      failed.push({ what, error })
    },
  }
  const step = async (what: string, work: () => Promise<readonly string[]>): Promise<void> => {
    try {
      repaired.push(...(await work()))
    } catch (error) {
      options.signal?.throwIfAborted()
      failed.push({ what, error })
    }
  }
  await step('tasks', () => deps.tasks.repair(options))
  await step('containers', async () => {
    await recoverContainers(deps, findings, options)
    return []
  })
  await step('unpacking', () => repairUnpacking(deps, options))
  await step('held storage', () => deps.storage.repair(options))
  return { repaired, failed }
}
