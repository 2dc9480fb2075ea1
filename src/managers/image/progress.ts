import type { TransferProgress } from '../../model/image.js'

export type Report = (progress: TransferProgress) => void

/** What the listener throws is its own affair. */
export function reporter(onProgress: Report | undefined): Report {
  if (onProgress === undefined) return () => {}
  return (progress) => {
    try {
      onProgress(progress)
    } catch {
      /* as the option promises */
    }
  }
}

/** Hands the bytes on and tells how many have passed, beginning with `from`. */
export async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  from: number,
  passed: (doneBytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let doneBytes = from
  for await (const chunk of bytes) {
    doneBytes += chunk.byteLength
    yield chunk
    passed(doneBytes)
  }
}
