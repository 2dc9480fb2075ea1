// A stream whose wait for the next piece an abort ends, whether or not its source cares.
import { raceAbort } from './abort.js'

/** Leaving early lets the source go; after an abort its end is not waited for, since the reason why we leave comes first. */
export async function* abortable<T>(source: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]()
  let finished = false
  try {
    for (;;) {
      const next = await raceAbort(iterator.next(), signal)
      if (next.done === true) {
        finished = true
        return
      }
      yield next.value
    }
  } finally {
    if (!finished) {
      const left = Promise.resolve(iterator.return?.()).catch(() => {})
      if (signal?.aborted !== true) await left
    }
  }
}
