// The pieces of a stream as they came. Its own iterator joins those that wait, by a copy of each.
import { finished, type Readable } from 'node:stream'

/** Leaving early destroys the stream. */
export async function* pieces(stream: Readable): AsyncGenerator<Uint8Array, void, undefined> {
  const waiting: Uint8Array[] = []
  let end: { readonly error: unknown } | undefined
  let wake = (): void => {}
  const settled = finished(stream, { writable: false }, (error) => {
    end = { error }
    wake()
  })
  const take = (piece: Uint8Array): void => {
    waiting.push(piece)
    stream.pause()
    wake()
  }
  stream.on('data', take)
  try {
    for (;;) {
      const piece = waiting.shift()
      if (piece !== undefined) yield piece
      else if (end !== undefined) break
      else {
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        stream.resume()
        await woken
      }
    }
    if (end.error !== undefined && end.error !== null) throw end.error
  } finally {
    settled()
    stream.off('data', take)
    if (end === undefined) stream.destroy()
  }
}
