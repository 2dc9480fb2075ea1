import { EngineError } from '../errors.js'

/** The whole of `bytes`; `resource_exhausted` beyond `limit`, whatever a header promised. */
export async function readAtMost(bytes: AsyncIterable<Uint8Array>, limit: number, what: string): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of bytes) {
    length += part.length
    if (length > limit) throw new EngineError('resource_exhausted', `${what} is larger than ${limit} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
