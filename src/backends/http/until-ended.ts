// A stream of a process that some daemons forget to close: when nothing comes any more, whoever is read from is asked whether it has ended.
export interface UntilEnded {
  /** Whether the process has ended. Asked only while the reader waits and nothing has come for a while. */
  ended(): Promise<boolean>
  /** Makes the source end, whatever it waits for. */
  cut(): void
  /** Milliseconds of silence before it is asked. Default 2 000, then 10 000. */
  readonly quietMs?: number | undefined
}

const firstMs = 2_000
const laterMs = 10_000

export async function* untilEnded(
  source: AsyncIterable<Uint8Array>,
  { ended, cut, quietMs }: UntilEnded,
): AsyncGenerator<Uint8Array, void, undefined> {
  let over = false
  let reads = 0
  let waiting = false
  let known = false
  let timer: NodeJS.Timeout | undefined
  const watch = (ms: number): void => {
    const before = reads
    timer = setTimeout(() => {
      look(before).catch(() => {
        watch(laterMs) // it cannot be asked now; the stream itself tells what is wrong
      })
    }, ms)
  }
  const look = async (before: number): Promise<void> => {
    const quiet = waiting && reads === before
    const over_ = quiet && (await ended())
    if (over) return
    // Known to have ended, and silent for one more turn: nothing more will come.
    if (over_ && known && waiting && reads === before) {
      over = true
      cut()
      return
    }
    known = over_
    watch(known ? (quietMs ?? firstMs) / 2 : quiet ? (quietMs ?? laterMs) : (quietMs ?? firstMs))
  }
  watch(quietMs ?? firstMs)
  const iterator = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      waiting = true
      const next = await iterator.next()
      waiting = false
      reads += 1
      if (next.done === true) return
      yield next.value
    }
  } catch (error) {
    if (!over) throw error
  } finally {
    over = true
    clearTimeout(timer)
    await iterator.return?.(undefined)
  }
}
