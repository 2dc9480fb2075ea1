// The backend as an engine's handles see it: open until the engine is closed.
import { engineClosed } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { Backend } from '../ports/backend/backend.js'
import type { Attachment } from '../ports/streams.js'
import { linkedSignal, onAbort, raceAbort } from '../util/abort.js'
import { closeable } from '../util/closeable.js'

type Call = (...args: unknown[]) => unknown

/** What takes its time and would leave something behind, and which of its arguments the options are. */
const makes: ReadonlyMap<string, number> = new Map([
  ['containers.create', 1],
  ['images.build', 1],
  ['images.import', 1],
  ['images.load', 1],
  ['images.pull', 1],
  ['images.push', 2],
])
const attaches: ReadonlySet<string> = new Set(['containers.start', 'streams.attach', 'execs.start'])

/**
 * Closing rejects whatever is under way or called afterwards, on any handle, as `engineClosed`. What is being made is cut off, and undone
 * before the backend is closed: no container comes to be that nobody owns any more.
 */
export function untilClosed(backend: Backend): Backend {
  const closing = new AbortController()
  const making = new Set<Promise<unknown>>()

  const make =
    (call: Call, at: number): Call =>
    async (...args) => {
      const options = args[at] as CallOptions | undefined
      using linked = linkedSignal(options?.signal, closing.signal)
      const linkedArgs = [...args]
      linkedArgs[at] = { ...options, signal: linked.signal }
      const made = Promise.resolve(call(...linkedArgs))
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
  const attach =
    (call: Call): Call =>
    async (...args) => {
      const io = (await raceAbort(Promise.resolve(call(...args)), closing.signal)) as Attachment | undefined
      return io && attachedUntil(io, closing.signal)
    }
  const service = <K extends keyof Backend & string>(name: K): Backend[K] => {
    const target = backend[name] as object
    // Not over the service itself: of one that is frozen a proxy may tell nothing but its own methods.
    return new Proxy({} as object, {
      get(_, key) {
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        const call: Call = (...args) => Reflect.apply(value, target, args)
        const method = `${name}.${String(key)}`
        const at = makes.get(method)
        const wrap = attaches.has(method) ? attach : pass
        const own = at === undefined ? wrap(call) : make(call, at)
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

function attachedUntil(io: Attachment, signal: AbortSignal): Attachment {
  return {
    output: cutOff(io.output, signal),
    write: (bytes, options) => io.write(bytes, options),
    closeStdin: (options) => io.closeStdin(options),
    resize: (size, options) => io.resize(size, options),
    ...closeable(() => io.close()),
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
