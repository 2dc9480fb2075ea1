// Ends the book of a process: its leftovers below, then its files.
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { ProcessRef } from '../../../model/process.js'
import type { DeleteProcessOptions } from '../../../ports/engine/tasks.js'
import { raceAbort, within } from '../../../util/abort.js'
import { isHalfMade } from './claim.js'
import { type Known, type TaskContext, known, named } from './context.js'
import { thaw } from './thaw.js'

const killMs = 30_000
const lookMs = 1_000
const sigkill = 9

export async function deleteProcess(context: TaskContext, ref: ProcessRef, options: DeleteProcessOptions): Promise<void> {
  const { kill = false, signal } = options
  signal?.throwIfAborted()
  const found = await known(context, ref)
  if (found === undefined) {
    if (kill && ref.execId === undefined) await destroyUnknown(context, ref.containerId, { signal })
    await context.files.of(ref).remove()
    return
  }
  const { files, state } = found
  if ((await files.exit(state)) === undefined) {
    await end(context, found, kill, { signal })
  }
  await raceAbort(context.exits.release(state), signal)
  await context.step('tasks.remove')
  await files.remove()
  context.exits.forget(state)
}

async function end(context: TaskContext, { files, state }: Known, kill: boolean, options: CallOptions): Promise<void> {
  const process = await context.carrier.find(state, options)
  if (process?.status === 'created' || (process === undefined && !(await files.started()))) {
    // Somebody else has freed it since we looked.
    if ((await files.state())?.wireId !== state.wireId) return
    if (!kill && !(await isHalfMade(context, files, state, async () => process)))
      throw new EngineError('failed_precondition', `${named(state)} is being started`)
    await context.carrier.destroy(state, options)
    return
  }
  const live = process !== undefined && process.status !== 'stopped'
  if (live && !kill) throw new EngineError('failed_precondition', `${named(state)} ${process.status === 'paused' ? 'is paused' : 'runs'}`)
  const watch = context.exits.watch(files, state)
  watch.exit.catch(() => {})
  if (live) {
    await files.addSignal('SIGKILL')
    await context.carrier.kill(state, sigkill, state.execId === undefined && state.sharedPids, options)
  }
  const isPaused = async (asked: CallOptions = options): Promise<boolean> => (await context.carrier.find(state, asked))?.status === 'paused'
  let thaws = process?.status === 'paused'
  for (const deadline = performance.now() + killMs; performance.now() < deadline; ) {
    if (thaws) await thaw(() => context.carrier.control.resume(state, options), isPaused, options)
    if ((await within(lookMs, () => watch.exit, options)) !== undefined) return
    // Somebody may have paused it as it was killed. A carrier that is away or hangs keeps nobody from waiting for the end.
    thaws = (await within(lookMs, isPaused, options).catch(unlessAway)) === true
  }
  throw new EngineError('unavailable', `${named(state)} does not end`, { retryable: true })
}

function unlessAway(error: unknown): undefined {
  if (!isEngineError(error, 'unavailable')) throw error
}

/** Tasks of this container that are ours, of a root whose files are gone. */
async function destroyUnknown(context: TaskContext, containerId: string, options: CallOptions): Promise<void> {
  for (const target of await context.carrier.survey.targets(options)) {
    if (target.containerId === containerId && ![...context.making].some((key) => key.startsWith(`${target.wireId}/`))) {
      await context.carrier.survey.destroy(target, options)
    }
  }
}
