// Any string as one file name, different ones for different strings.
import { createHash } from 'node:crypto'
import { EngineError } from '../errors.js'

/** Leaves room for a suffix below the 255 bytes of most file systems. */
const longest = 200

/** Never empty, never hidden, without a slash. Of long ones the end is a digest. */
export function encodeFileName(text: string): string {
  const encoded = encode(text)?.replace(/^\./, '%2E')
  if (encoded === undefined || encoded === '') throw new EngineError('invalid_argument', `"${text}" cannot name a file`)
  if (encoded.length <= longest) return encoded
  // An equals sign never comes out of the encoding.
  return `${encoded.slice(0, longest - 65)}=${createHash('sha256').update(text).digest('hex')}`
}

function encode(text: string): string | undefined {
  try {
    return encodeURIComponent(text)
  } catch {
    return undefined // half of a surrogate pair
  }
}
