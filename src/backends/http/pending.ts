// Services that are not written yet: each call is `unsupported`, as its capability says.
import type { HttpContext } from './context.js'
import { unsupported } from './context.js'

/** `streams` are the methods that give an AsyncIterable. */
export function pending<T extends object>({ name }: Pick<HttpContext, 'name'>, service: string, streams: readonly string[] = []): T {
  return new Proxy({} as T, {
    get(_, key) {
      if (typeof key === 'symbol' || key === 'then') return undefined
      const error = (): Error => unsupported(name, `"${service}.${key}" yet`)
      return streams.includes(key) ? () => refusedStream(error()) : () => Promise.reject(error())
    },
  })
}
// biome-ignore lint/correctness/useYield: it ends at its first step
async function* refusedStream(error: Error): AsyncGenerator<never> {
  throw error
}
