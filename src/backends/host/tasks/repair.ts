// After a crash: half-made tasks of the dead, exits that nobody stored, and what the carrier keeps without need.
import type { CallOptions } from '../../../model/common.js'
import { raceAbort } from '../../../util/abort.js'
import { isHalfMade } from './claim.js'
import { isAlive, ourselves } from './claimant.js'
import { type TaskContext, named } from './context.js'

export async function repairTasks(context: TaskContext, options: CallOptions): Promise<readonly string[]> {
  const { signal } = options
  const lines: string[] = []
  const { bootId } = await ourselves()
  // Asked first: whatever is claimed later cannot be among them.
  const containers = await context.carrier.survey.targets(options)
  const tasks = await context.carrier.survey.tasks(options)
  const claimed = new Set<string>()
  for await (const { files, state } of context.files.list()) {
    signal?.throwIfAborted()
    claimed.add(state.wireId)
    const present = containers.some(({ wireId }) => wireId === state.wireId)
    const task = tasks.get(state.wireId)
    if (await isHalfMade(context, files, state, async () => task)) {
      await context.carrier.destroy(state, options)
      await files.remove()
      lines.push(`removed the half-made task of ${named(state)}`)
    } else if ((await files.exit(state)) !== undefined) {
      if (!present) continue
      await raceAbort(context.exits.release(state), signal)
      lines.push(`freed the ended task of ${named(state)}`)
    } else if (task === undefined ? await files.started() : task.status === 'stopped') {
      const { exit, finished } = context.exits.watch(files, state)
      await raceAbort(exit, signal)
      await raceAbort(finished, signal)
      lines.push(`stored the exit of ${named(state)}`)
    }
  }
  for (const target of containers) {
    // A task that was only created never runs: whoever would have started it has no claim.
    const status = tasks.get(target.wireId)?.status
    if (claimed.has(target.wireId) || status === 'running' || status === 'paused') continue
    await context.carrier.survey.destroy(target, options)
    lines.push(`removed the unclaimed task of ${named(target)}`)
  }
  for (const files of await context.files.leftovers((pid, startTime) => isAlive({ pid, startTime, bootId }))) {
    await files.remove()
    lines.push(`removed "${files.directory}", which was left by a crash`)
  }
  return lines
}
