// Writes the ends of processes into the history. Every process on a root does, and the history keeps one of each.
import type { CallOptions } from '../../model/common.js'
import type { EngineEvent } from '../../model/event.js'
import type { ExitStatus, ProcessRef } from '../../model/process.js'
import type { EventLog } from '../../ports/engine/events.js'
import type { TaskEvent, TaskService } from '../../ports/engine/tasks.js'
import type { ContainerContext, EventSubject } from './context.js'

export interface WatchDeps extends Pick<ContainerContext, 'records'> {
  readonly tasks: Pick<TaskService, 'events' | 'list'>
  readonly events: Pick<EventLog, 'append'>
  failed(error: unknown): void
}

/** Runs until aborted. A failure to write one event is reported and does not stop the next. */
export async function watchTasks(deps: WatchDeps, options: CallOptions): Promise<void> {
  const { signal } = options
  const events = deps.tasks.events({ signal })
  // What ended while nobody looked. Events that come meanwhile wait in the stream above.
  const tell = async (event: TaskEvent): Promise<void> => {
    try {
      await appendTaskEvent(deps, event)
    } catch (error) {
      if (signal?.aborted !== true) deps.failed(error)
    }
  }
  try {
    const iterator = events[Symbol.asyncIterator]()
    const step = (): Promise<IteratorResult<TaskEvent>> => {
      const stepping = iterator.next()
      stepping.catch(() => {}) // awaited below, but perhaps not before the other rejects
      return stepping
    }
    let next = step()
    for await (const { ref, exit } of deps.tasks.list({ signal })) if (exit !== undefined) await tell({ kind: 'exited', ref, exit })
    for (let result = await next; result.done !== true; result = await next) {
      next = step()
      await tell(result.value)
    }
  } catch (error) {
    if (signal?.aborted !== true) deps.failed(error)
  }
}

async function appendTaskEvent({ records, events }: WatchDeps, event: TaskEvent): Promise<void> {
  const { containerId } = event.ref
  const stored = await records.find(containerId)
  if (stored === undefined) return
  if (event.kind === 'exited') await appendExit(events, event.ref, stored.value, event.exit)
  else await events.append(keyOf('oom', event.ref, stored.value.started?.at ?? stored.value.createdAt), oomEvent(event.ref, stored.value))
}

/** However many see the end of one run, the history tells it once. */
export async function appendExit(
  events: Pick<EventLog, 'append'>,
  ref: ProcessRef,
  container: EventSubject,
  exit: ExitStatus,
): Promise<void> {
  await events.append(keyOf('exit', ref, exit.exitedAt), exitEvent(ref, container, exit))
}

function keyOf(kind: string, { containerId, execId = '' }: ProcessRef, time: Date): string {
  return `${kind}/${containerId}/${execId}/${time.getTime()}`
}

type NewEvent = Omit<EngineEvent, 'cursor'>
function exitEvent(ref: ProcessRef, { name, spec }: EventSubject, { exitCode, signal, exitedAt, lost }: ExitStatus): NewEvent {
  const attributes = { ...spec.labels, exitCode: String(exitCode), ...(signal && { signal }), ...(lost && { lost: 'true' }) }
  return ref.execId === undefined
    ? { type: 'container', action: 'exit', subject: { kind: 'container', id: ref.containerId, name }, time: exitedAt, attributes }
    : {
        type: 'exec',
        action: 'exit',
        subject: { kind: 'exec', id: ref.execId },
        time: exitedAt,
        attributes: { ...attributes, container: ref.containerId },
      }
}
function oomEvent({ containerId }: ProcessRef, { name, spec: { labels = {} } }: EventSubject): NewEvent {
  return { type: 'container', action: 'oom', subject: { kind: 'container', id: containerId, name }, time: new Date(), attributes: labels }
}
