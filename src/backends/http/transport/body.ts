// Answers read whole, within limits.
import { EngineError } from '../../../errors.js'

const mostErrorBytes = 64 * 1024

export async function readBody(body: AsyncIterable<unknown>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length
    if (size > maxBytes) throw new EngineError('resource_exhausted', `the daemon's answer has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return (chunks.length === 1 ? Buffer.from(chunks[0] as Uint8Array) : Buffer.concat(chunks)).toString('utf8')
}

/** What a failed answer says: its `message`, or its text. What cannot be read is left out: the status is known all the same. */
export async function said(body: AsyncIterable<unknown>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      chunks.push(chunk)
      if ((size += chunk.length) > mostErrorBytes) break
    }
  } catch {
    /* the status is the error */
  }
  return messageOf(Buffer.concat(chunks).subarray(0, mostErrorBytes).toString('utf8'))
}

export function messageOf(text: string): string {
  try {
    const { message, cause } = JSON.parse(text) as { readonly message?: unknown; readonly cause?: unknown }
    if (typeof message === 'string') return message
    if (typeof cause === 'string') return cause
  } catch {
    /* no JSON */
  }
  return text.trim()
}
