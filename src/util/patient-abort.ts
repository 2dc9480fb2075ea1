// Who has aborted a call still waits for what it undoes, but not for ever: what it would ask may not answer any more.
import type { CallOptions } from '../model/common.js'
import { type LinkedSignal, linkedSignal, onAbort, raceAbort } from './abort.js'

/** For what undoes its work after an abort. */
export const undoMs = 10_000
/** For a daemon that does what it was asked all the same, when nobody listens any more. */
const answerMs = 5_000

/** Aborted `ms` after `signal`, with its reason, and as soon as `atOnce` is. */
export function patientSignal(
  signal: AbortSignal | undefined,
  { atOnce, ms = undoMs }: { readonly atOnce?: AbortSignal | undefined; readonly ms?: number } = {},
): LinkedSignal {
  const linked = linkedSignal(atOnce)
  let timer: NodeJS.Timeout | undefined
  const aborted = onAbort(signal, () => {
    timer = setTimeout(() => {
      linked.abort(signal?.reason)
    }, ms)
  })
  return {
    signal: linked.signal,
    abort: linked.abort,
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      aborted[Symbol.dispose]()
      linked[Symbol.dispose]()
    },
  }
}

/** `work`; an abort waits for what it undoes. What hangs in that is its own affair: the reason comes all the same. */
export async function unlessUndoHangs<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work
  using patience = patientSignal(signal)
  return await raceAbort(work, patience.signal)
}

/** Runs `work` to its end though it is aborted meanwhile; an answer that is later than that rejects with the reason, and its connection is cut. */
export async function unlessItHangs<T>(work: (options: CallOptions) => Promise<T>, { signal }: CallOptions = {}): Promise<T> {
  using cut = patientSignal(signal, { ms: answerMs })
  return await work({ signal: cut.signal })
}
