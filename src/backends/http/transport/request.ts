// An exchange as it goes over the wire.
import type { Exchange, QueryValue } from '../calls.js'

export interface WireRequest {
  /** Path and query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | AsyncIterable<Uint8Array> | undefined
  /** What the body's own source failed with: the reason, whatever came of it on the wire. */
  readonly failedSource?: (() => { readonly error: unknown } | undefined) | undefined
}

export function toRequest(path: string, { query, body, headers = {} }: Exchange): WireRequest {
  const target = path + queryText(query)
  if (body === undefined) return { target, headers, body }
  if (!(Symbol.asyncIterator in body))
    return { target, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
  let failed: { readonly error: unknown } | undefined
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* body
    } catch (error) {
      failed = { error }
      throw error
    }
  }
  return { target, headers: { 'content-type': 'application/x-tar', ...headers }, body: watched(), failedSource: () => failed }
}

function queryText(query: Readonly<Record<string, QueryValue>> = {}): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of isList(value) ? value : [value]) parameters.append(name, valueText(one))
  }
  const text = parameters.toString()
  return text === '' ? '' : `?${text}`
}
function isList(value: QueryValue): value is readonly string[] {
  return Array.isArray(value)
}
function valueText(value: Exclude<QueryValue, undefined | readonly string[]>): string {
  if (typeof value === 'boolean') return value ? '1' : '0'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
