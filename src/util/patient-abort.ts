// For what a daemon does all the same when nobody listens any more: an abort waits for its answer, but not for ever.
import type { CallOptions } from '../model/common.js'
import { linkedSignal, onAbort } from './abort.js'

const patienceMs = 5_000

/** Runs `work` to its end though it is aborted meanwhile; an answer that is later than that rejects with the reason, and its connection is cut. */
export async function unlessItHangs<T>(work: (options: CallOptions) => Promise<T>, { signal }: CallOptions = {}): Promise<T> {
  using cut = linkedSignal(undefined)
  let timer: NodeJS.Timeout | undefined
  using _aborted = onAbort(signal, () => {
    timer = setTimeout(() => {
      cut.abort(signal?.reason)
    }, patienceMs)
  })
  try {
    return await work({ signal: cut.signal })
  } finally {
    clearTimeout(timer)
  }
}
