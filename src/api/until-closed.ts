// The backend as an engine's handles see it: open until the engine is closed.
import { engineClosed } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { Backend } from '../ports/backend/backend.js'
import type { Attachment } from '../ports/streams.js'
import { type LinkedSignal, linkedSignal, onAbort, raceAbort, within } from '../util/abort.js'
import { closeable } from '../util/closeable.js'
import { patientSignal, undoMs, unlessUndoHangs } from '../util/patient-abort.js'

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
 * before the backend is closed: no container comes to be that nobody owns any more. An abort is waited for while the call undoes its work,
 * but no longer than ten seconds: a daemon that hangs keeps nobody.
 */
export function untilClosed(backend: Backend): Backend {
  const closing = new AbortController()
  const making = new Set<Promise<unknown>>()

  const patience = ({ signal }: CallOptions): LinkedSignal => patientSignal(signal, { atOnce: closing.signal })
  const make =
    (call: Call, at: number): Call =>
    async (...args) => {
      const options = args[at] as CallOptions | undefined
      using linked = linkedSignal(options?.signal, closing.signal)
      const linkedArgs = [...args]
      linkedArgs[at] = { ...options, signal: linked.signal }
      const made = Promise.resolve(call(...linkedArgs)).finally(() => {
        making.delete(made)
      })
      making.add(made)
      return await unlessUndoHangs(made, options?.signal)
    }
  const pass =
    (call: Call): Call =>
    (...args) => {
      const result = call(...args)
      if (result instanceof Promise) return settle(result, args)
      return isIterable(result) ? iterate(result, args) : result
    }
  const settle = async (result: Promise<unknown>, args: readonly unknown[]): Promise<unknown> => {
    const options = optionsOf(args)
    if (options.signal === undefined) return await raceAbort(result, closing.signal)
    using end = patience(options)
    return await raceAbort(result, end.signal)
  }
  const iterate = async function* (source: AsyncIterable<unknown>, args: readonly unknown[]): AsyncGenerator<unknown, void, undefined> {
    using end = patience(optionsOf(args))
    yield* cutOff(source, end.signal)
  }
  const attach =
    (call: Call): Call =>
    async (...args) => {
      const attached = Promise.resolve(call(...args)) as Promise<Attachment | undefined>
      try {
        const io = (await settle(attached, args)) as Attachment | undefined
        return io && attachedUntil(io, closing.signal)
      } catch (error) {
        void attached.then((late) => late?.close()).catch(() => {})
        throw error
      }
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
      await within(undoMs, () => Promise.allSettled(making))
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
/** Every method takes them last, if at all. */
function optionsOf(args: readonly unknown[]): CallOptions {
  const last: unknown = args.at(-1)
  return typeof last === 'object' && last !== null ? last : {}
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
    await raceAbort(Promise.resolve(iterator.return?.()), signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}
