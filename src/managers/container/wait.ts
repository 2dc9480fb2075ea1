// Waits for ends of a container's process, whichever process of the root brings them about.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ExitStatus } from '../../model/process.js'
import type { WaitOptions } from '../../ports/backend/containers.js'
import type { EventLog } from '../../ports/engine/events.js'
import type { TaskService } from '../../ports/engine/tasks.js'
import type { ContainerContext } from './context.js'

export interface WaitDeps extends Pick<ContainerContext, 'records'> {
  readonly tasks: Pick<TaskService, 'find' | 'wait'>
  readonly events: Pick<EventLog, 'end' | 'read'>
}
/** What is known of a container at one moment. */
interface Look {
  readonly runs: boolean
  readonly exit?: ExitStatus | undefined
}

export async function waitContainer(deps: WaitDeps, id: string, options: WaitOptions = {}): Promise<ExitStatus> {
  const { until = 'exit', signal } = options
  // What ended while the first look was under way ended after the call.
  const called = Date.now()
  // Most containers that are waited for run: no need to look first.
  if (until === 'exit') {
    const exit = await endOf(deps, id, { signal })
    if (exit !== undefined) return exit
  }
  const first = await look(deps, id, { signal })
  if (first === undefined) throw gone(id)
  let exit = first.exit
  for (let now: Look | undefined = first; ; ) {
    if (now === undefined) {
      if (until === 'removed' && exit !== undefined) return exit
      throw gone(id)
    }
    if (now.runs) {
      const ended = await endOf(deps, id, { signal })
      if (ended !== undefined && until !== 'removed') return ended
      exit = ended ?? exit
    } else if (now.exit !== undefined) {
      exit = now.exit
      if (until === 'exit' || (until === 'next-exit' && isNext(exit, first, called))) return exit
    }
    now = await change(deps, id, now, { signal })
  }
}

/** `undefined` when it is not there. */
async function look({ records, tasks }: WaitDeps, id: string, options: CallOptions): Promise<Look | undefined> {
  const task = await tasks.find({ containerId: id }, options)
  if (task !== undefined && task.status !== 'exited') return { runs: true }
  const stored = await records.find(id, options)
  if (stored === undefined) return undefined
  return { runs: false, exit: task?.exit ?? stored.value.lastExit }
}

/** `undefined` when the task went away before anybody could tell: look again. */
async function endOf({ tasks }: WaitDeps, id: string, options: CallOptions): Promise<ExitStatus | undefined> {
  try {
    return await tasks.wait({ containerId: id }, options)
  } catch (error) {
    if (isEngineError(error, 'not_found')) return undefined
    throw error
  }
}

/** Looks after the next thing that happens to the container; at once if something has happened since the last look. */
async function change(deps: WaitDeps, id: string, last: Look, options: CallOptions): Promise<Look | undefined> {
  const since = await deps.events.end(options)
  const now = await look(deps, id, options)
  if (now === undefined || now.runs || endTime(now) !== endTime(last)) return now
  for await (const event of deps.events.read({ since, follow: true, signal: options.signal })) {
    if (event.type === 'gap' || event.subject.id === id) break
  }
  return look(deps, id, options)
}

function isNext({ exitedAt }: ExitStatus, first: Look, called: number): boolean {
  return first.runs || exitedAt.getTime() > called || exitedAt.getTime() !== endTime(first)
}
function endTime({ exit }: Look): number | undefined {
  return exit?.exitedAt.getTime()
}

function gone(id: string): EngineError {
  return new EngineError('not_found', `no container "${id}"`, { subject: { kind: 'container', id } })
}
