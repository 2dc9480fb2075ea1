// The backend as an engine's handles see it: open until the engine is closed.
import { engineClosed } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { Backend } from '../ports/backend/backend.js'
import { linkedSignal, onAbort, raceAbort } from '../util/abort.js'
import { closeable } from '../util/closeable.js'

type Call = (...args: unknown[]) => unknown
type Make = (subject: unknown, options?: CallOptions) => Promise<unknown>

/** What takes its time and would leave something behind. */
const makes: ReadonlySet<string> = new Set([
  'containers.create',
  ...['build', 'import', 'load', 'pull', 'push'].map((name) => `images.${name}`),
])

/**
 * Closing rejects whatever is under way or called afterwards, on any handle, as `engineClosed`. What is being made is cut off, and undone
 * before the backend is closed: no container comes to be that nobody owns any more.
 */
export function untilClosed(backend: Backend): Backend {
  const closing = new AbortController()
  const making = new Set<Promise<unknown>>()

  const make =
    (call: Make): Make =>
    async (subject, options) => {
      using linked = linkedSignal(options?.signal)
      using _closing = onAbort(closing.signal, () => {
        linked.abort(closing.signal.reason)
      })
      const made = call(subject, { ...options, signal: linked.signal })
      making.add(made)
      try {
        return await made
      } finally {
        making.delete(made)
      }
    }
  const pass =
    (call: Call): Call =>
    (...args) => {
      const result = call(...args)
      if (result instanceof Promise) return raceAbort(result, closing.signal)
      return isIterable(result) ? cutOff(result, closing.signal) : result
    }
  const service = <K extends keyof Backend & string>(name: K): Backend[K] => {
    const target = backend[name] as object
    return new Proxy(target, {
      get(_, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        const call: Call = (...args) => Reflect.apply(value, target, args)
        const own = makes.has(`${name}.${String(key)}`) ? (make(call as Make) as Call) : pass(call)
        return (...args: unknown[]): unknown => {
          if (closing.signal.aborted) throw engineClosed()
          return own(...args)
        }
      },
    }) as Backend[K]
  }
  return {
    name: backend.name,
    supports: (capability) => backend.supports(capability),
    containers: service('containers'),
    control: service('control'),
    streams: service('streams'),
    containerImages: service('containerImages'),
    execs: service('execs'),
    files: service('files'),
    images: service('images'),
    networks: service('networks'),
    volumes: service('volumes'),
    system: service('system'),
    ...closeable(async () => {
      closing.abort(engineClosed())
      await Promise.allSettled(making)
      await backend.close()
    }),
  }
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
/** One listener for all that comes; what the source still does after an abort is its own affair. */
async function* cutOff<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]()
  let cut = (): void => {}
  using _closing = onAbort(signal, () => {
    cut()
  })
  try {
    for (;;) {
      const { done, value } = await new Promise<IteratorResult<T, unknown>>((resolve, reject) => {
        cut = () => {
          reject(signal.reason as Error)
        }
        if (signal.aborted) cut()
        else iterator.next().then(resolve, reject)
      })
      if (done === true) return
      yield value
    }
  } finally {
    const freed = Promise.resolve(iterator.return?.())
    if (signal.aborted) freed.catch(() => {})
    else await freed
  }
}
