// Waiting that an abort ends. No listener or timer outlives the wait.
import { setMaxListeners } from 'node:events'
import type { CallOptions } from '../model/common.js'

/** Calls `listener` once when the signal is aborted, at once if it is so already, until disposed. */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): Disposable {
  if (signal?.aborted === true) listener()
  else if (signal !== undefined) {
    setMaxListeners(0, signal) // many calls share one signal, and Node would print a warning about a leak
    signal.addEventListener('abort', listener, { once: true })
  }
  return {
    [Symbol.dispose]: () => {
      signal?.removeEventListener('abort', listener)
    },
  }
}

/** `work`, or the signal's reason as soon as it is aborted. What `work` still does then is its own affair: its rejection is handled. */
export async function raceAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  work.catch(() => {})
  let listening: Disposable | undefined
  const aborted = new Promise<never>((_, reject) => {
    listening = onAbort(signal, () => {
      reject(signal.reason)
    })
  })
  try {
    return await Promise.race([aborted, work])
  } finally {
    listening?.[Symbol.dispose]()
  }
}

/** By the monotonic clock. Rejects with the signal's reason. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  let timer: NodeJS.Timeout | undefined
  const slept = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  try {
    await raceAbort(slept, signal)
  } finally {
    clearTimeout(timer)
  }
}

export interface LinkedSignal extends Disposable {
  readonly signal: AbortSignal
  /** Without effect once the signal is aborted. */
  abort(reason: unknown): void
}

/**
 * A signal of one's own that each of the given ones aborts, too. Disposing it lets go of them, which may live as long as the
 * program (`AbortSignal.any` does not on Node 20).
 */
export function linkedSignal(...parents: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const own = new AbortController()
  const following = parents.map((parent) =>
    onAbort(parent, () => {
      own.abort(parent?.reason)
    }),
  )
  return {
    signal: own.signal,
    abort: (reason) => {
      own.abort(reason)
    },
    [Symbol.dispose]: () => {
      for (const one of following) one[Symbol.dispose]()
    },
  }
}

/**
 * What `work` resolves with, or `undefined` when `ms` have passed: then it is told by its signal, and not waited for.
 * An abort by the caller rejects with the reason.
 */
export async function within<T>(ms: number, work: (options: CallOptions) => Promise<T>, options: CallOptions = {}): Promise<T | undefined> {
  options.signal?.throwIfAborted()
  using linked = linkedSignal(options.signal)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(undefined) // before the abort, whose rejection must not come first
      linked.abort(new DOMException(`no answer within ${ms} ms`, 'TimeoutError'))
    }, ms)
  })
  const run = async (): Promise<T> => work({ signal: linked.signal })
  const running = run()
  running.catch(() => {}) // may lose the race
  try {
    return await raceAbort(Promise.race([late, running]), options.signal)
  } finally {
    clearTimeout(timer)
  }
}
