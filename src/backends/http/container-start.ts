// Starts a container, connected before its first instruction if asked.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { StartOptions } from '../../ports/backend/containers.js'
import type { Attachment } from '../../ports/streams.js'
import { sleep } from '../../util/abort.js'
import { attachTo, type StartableAttachment } from './attach.js'
import { type ContainerContext, containerSubject, inspect } from './container-context.js'
import { untilSettled } from './container-settle.js'
import { path } from './path.js'
import { unlessItHangs } from '../../util/patient-abort.js'
import { unsupported } from './context.js'
import { checkRich } from './rich-start.js'
import type { InspectAnswer } from './wire/container.js'
import { isRunning, toDate } from './wire/container-info.js'

const tidyingMs = [20, 50, 100, 200, 400]

export async function startContainer(context: ContainerContext, id: string, options: StartOptions = {}): Promise<Attachment | undefined> {
  const { attach, signal } = options
  signal?.throwIfAborted()
  if (attach === undefined) {
    await start(context, id, { signal })
    await checkRich(context, id)
    return undefined
  }
  const answer = await inspect(context, id, { signal })
  if (attach.stdin && answer.Config.OpenStdin !== true)
    throw new EngineError('failed_precondition', `container "${id}" has no stdin`, { subject: containerSubject(id) })
  if (!context.supports('attach_again') && toDate(answer.State.StartedAt) !== undefined && !isRunning(answer.State))
    throw unsupported(context.name, `streams at the start of container "${id}", which has run before: read its log`)
  const attachment = await attachSoon(context, answer, { stdin: attach.stdin, signal })
  try {
    await start(context, id, { signal })
    await checkRich(context, id)
    attachment.started()
    return attachment
  } catch (error) {
    await attachment.close()
    throw error
  }
}

/** Podman tidies up behind an end for a moment, in which the container cannot be attached to. */
async function attachSoon(
  context: ContainerContext,
  answer: InspectAnswer,
  options: Parameters<typeof attachTo>[2],
): Promise<StartableAttachment> {
  await untilSettled(context, answer, { signal: options.signal })
  for (const ms of tidyingMs) {
    try {
      return await attachTo(context, answer, options)
    } catch (error) {
      const ended = toDate(answer.State.FinishedAt) !== undefined && !isRunning(answer.State)
      if (!ended || !isEngineError(error, 'failed_precondition') || error.exitCode !== undefined) throw error
    }
    await sleep(ms, options.signal)
  }
  return attachTo(context, answer, options)
}

/**
 * Once it is asked for, an abort waits for the answer: the daemon would start it all the same. One that started although it was aborted
 * is a success that came before the abort.
 */
async function start(context: ContainerContext, id: string, { signal }: CallOptions): Promise<void> {
  signal?.throwIfAborted()
  try {
    await unlessItHangs(
      (call) => context.calls.json('POST', path`/containers/${id}/start`, { accept: [304], subject: containerSubject(id), ...call }),
      { signal },
    )
  } catch (error) {
    // Some daemons answer with an error where Docker says 304.
    if (isEngineError(error, 'failed_precondition') && error.exitCode === undefined && (await runs(context, id))) return
    throw error
  }
}
async function runs(context: ContainerContext, id: string): Promise<boolean> {
  try {
    const { State } = await inspect(context, id)
    return isRunning(State) && State.Paused !== true
  } catch (error) {
    if (isEngineError(error, 'not_found')) return false
    throw error
  }
}
