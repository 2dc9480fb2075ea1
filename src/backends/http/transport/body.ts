// Answers read whole, within limits.
import { EngineError } from '../../../errors.js'
import { Gathered } from '../../../util/gathered.js'

const mostErrorBytes = 64 * 1024
const errorMs = 10_000

export async function readBody(body: AsyncIterable<unknown>, maxBytes: number): Promise<string> {
  const whole = new Gathered()
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    if (whole.size + chunk.length > maxBytes)
      throw new EngineError('resource_exhausted', `the daemon's answer has more than ${maxBytes} bytes`)
    whole.add(chunk)
  }
  return whole.take().toString('utf8')
}

/**
 * What a failed answer says: its `message`, or its text. What cannot be read, or does not come in time, is left out: the status is known all
 * the same.
 */
export async function said(body: AsyncIterable<unknown> & { destroy(): unknown }): Promise<string> {
  const words = new Gathered()
  const timer = setTimeout(() => body.destroy(), errorMs)
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      words.add(chunk.subarray(0, mostErrorBytes - words.size))
      if (words.size >= mostErrorBytes) break
    }
  } catch {
    /* the status is the error */
  } finally {
    clearTimeout(timer)
  }
  return messageOf(words.take().toString('utf8'))
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
