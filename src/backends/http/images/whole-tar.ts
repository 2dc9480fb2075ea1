// A tar from a daemon, and whether all of it came.
import { EngineError } from '../../../errors.js'

const blockBytes = 512
const tailBytes = 2 * blockBytes

/**
 * A daemon that fails in the middle writes why behind what it has sent, or just ends; the answer is whole to HTTP either way. A tar
 * is made of blocks and ends with two of zeros: what does not is `data_loss`, with the daemon's last words.
 */
export async function* wholeTar(bytes: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<Uint8Array, void, undefined> {
  let tail = Buffer.alloc(0)
  let size = 0
  for await (const chunk of bytes) {
    tail = Buffer.from(chunk.byteLength >= tailBytes ? chunk.subarray(-tailBytes) : Buffer.concat([tail, chunk]).subarray(-tailBytes))
    size += chunk.byteLength
    yield chunk
  }
  if (size % blockBytes === 0 && tail.length === tailBytes && tail.every((byte) => byte === 0)) return
  const said = lastWords(tail)
  throw new EngineError('data_loss', `${what} ends early${said === undefined ? '' : `: ${said}`}`)
}

function lastWords(tail: Buffer): string | undefined {
  const match = /\{"(?:message|errorDetail|cause)":.*\}\s*$/s.exec(tail.toString('utf8'))
  if (match === null) return undefined
  try {
    const { message, error } = JSON.parse(match[0]) as { readonly message?: unknown; readonly error?: unknown }
    const text = message ?? error
    return typeof text === 'string' ? text.replace(/\s*\n\s*/g, '; ').slice(0, 500) : undefined
  } catch {
    return undefined
  }
}
