// Joins the streams of a container.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { TerminalSize } from '../../model/process.js'
import { HttpAttachment } from './attachment.js'
import type { Upgraded } from './calls.js'
import { type ContainerContext, containerSubject, inspect } from './container-context.js'
import { path } from './path.js'
import { unlessItHangs } from '../../util/patient-abort.js'
import type { InspectAnswer } from './wire/container.js'
import { isRunning } from './wire/container-info.js'

export interface StartableAttachment extends HttpAttachment {
  /** From now on it may have ended. */
  started(): void
}
type AttachContext = Pick<ContainerContext, 'calls' | 'dialect'>

/** No user types these, and a daemon must have some: by them it would detach in the middle of what is only data. */
const unlikelyKeys = 'ctrl-@,ctrl-_,ctrl-^,ctrl-@,ctrl-_,ctrl-^'

export async function attachTo(
  context: AttachContext,
  answer: InspectAnswer,
  { stdin, signal }: { readonly stdin: boolean } & CallOptions,
): Promise<StartableAttachment> {
  const { Id: id, Config, State } = answer
  const tty = Config.Tty === true
  const subject = containerSubject(id)
  const query = { stream: true, stdout: true, stderr: true, stdin, detachKeys: tty && stdin ? unlikelyKeys : undefined }
  const open = (options: CallOptions): Promise<Upgraded> =>
    context.calls.hijack(path`/containers/${id}/attach`, { query, subject, ...options })
  // What is cut ends the input of the process, and not only what this one would have written.
  const keep = Config.OpenStdin === true && (stdin || context.dialect.containers.cutEndsStdin)
  const connection = await (keep ? unlessItHangs(open, { signal }) : open({ signal }))
  let mayHaveEnded = isRunning(State)
  const attachment = new HttpAttachment(connection, {
    subject,
    tty,
    stdin,
    detach: keep ? 'drain' : 'cut',
    framed: !tty && context.dialect.containers.attach === 'frames',
    failure: context.dialect.containers.attachFailure,
    ended: async () => mayHaveEnded && hasEnded(context, id, State.FinishedAt),
    resize: (size, options) => resizeContainer(context, id, tty, size, options),
  })
  if (keep && signal?.aborted === true) {
    await attachment.close()
    throw signal.reason
  }
  return Object.assign(attachment, {
    started: () => {
      mayHaveEnded = true
    },
  })
}

/** Or has begun another run since. */
export async function hasEnded(context: AttachContext, id: string, finishedBefore: string | null | undefined): Promise<boolean> {
  try {
    const { State } = await inspect(context, id)
    const runs = isRunning(State) || State.Paused === true || State.Status === 'paused'
    return !runs || (State.FinishedAt ?? '') !== (finishedBefore ?? '')
  } catch (error) {
    if (isEngineError(error, 'not_found')) return true
    throw error
  }
}

/** A process already gone is success. */
export async function resizeContainer(
  { calls }: AttachContext,
  id: string,
  tty: boolean,
  { columns, rows }: TerminalSize,
  options: CallOptions = {},
): Promise<void> {
  if (!tty) throw new EngineError('failed_precondition', `container "${id}" has no terminal`, { subject: containerSubject(id) })
  try {
    await calls.json('POST', path`/containers/${id}/resize`, { query: { w: columns, h: rows }, subject: containerSubject(id), ...options })
  } catch (error) {
    if (!isEngineError(error, 'failed_precondition')) throw error
  }
}
