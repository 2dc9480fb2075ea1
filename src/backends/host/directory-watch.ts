// Tells when names in a directory, or in several, change, to whoever waits for it in this process: one watch for all, and none while nobody waits.
import { type FSWatcher, watch } from 'node:fs'
import { raceAbort } from '../../util/abort.js'

export interface Watching extends Disposable {
  /** Resolves when something has changed since the last call (the first: since `subscribe`), or after `ms`: a kernel may lose events. */
  wait(ms: number, signal?: AbortSignal): Promise<void>
  /** The same for who works in the background: a process that has nothing else to do ends meanwhile. */
  rest(ms: number, signal?: AbortSignal): Promise<void>
}
interface Subscriber {
  readonly name: string | undefined
  changed(): void
}

export class DirectoryWatch {
  readonly #directories: readonly string[]
  readonly #subscribers: Set<Subscriber> = new Set()
  #watchers: readonly FSWatcher[] | undefined
  constructor(...directories: readonly string[]) {
    this.#directories = directories
  }

  /** Of one name, or of all. */
  subscribe(name?: string): Watching {
    let pending = false
    let wake: (() => void) | undefined
    const changed = (): void => {
      pending = true
      wake?.()
    }
    const subscriber = { name, changed }
    this.#subscribers.add(subscriber)
    this.#start()
    const pause = async (ms: number, signal: AbortSignal | undefined, background: boolean): Promise<void> => {
      signal?.throwIfAborted()
      if (!pending) {
        let timer: NodeJS.Timeout | undefined
        const early = new Promise<void>((resolve) => {
          wake = resolve
          timer = setTimeout(resolve, ms)
          if (background) timer.unref()
        })
        try {
          await raceAbort(early, signal)
        } finally {
          clearTimeout(timer)
          wake = undefined
        }
      }
      pending = false
    }
    return {
      wait: (ms, signal) => pause(ms, signal, false),
      rest: (ms, signal) => pause(ms, signal, true),
      [Symbol.dispose]: () => {
        this.#subscribers.delete(subscriber)
        if (this.#subscribers.size === 0) this.#stop()
      },
    }
  }
  /** For a change of our own, which need not go through the kernel. */
  changed(name?: string): void {
    for (const subscriber of this.#subscribers) {
      if (name === undefined || subscriber.name === undefined || subscriber.name === name) subscriber.changed()
    }
  }

  #start(): void {
    this.#watchers ??= this.#directories.flatMap((directory) => this.#watch(directory))
  }
  #watch(directory: string): FSWatcher[] {
    try {
      const watcher = watch(directory, { persistent: false }, (_type, name) => {
        this.changed(name ?? undefined)
      })
      // Out of watches, or the directory is gone: who waits still looks from time to time.
      watcher.on('error', () => {
        watcher.close()
      })
      return [watcher]
    } catch {
      return []
    }
  }
  #stop(): void {
    for (const watcher of this.#watchers ?? []) watcher.close()
    this.#watchers = undefined
  }
}
