// Reads files while they grow: at once when something is written, to the very end when the writer is done.
import { type FSWatcher, watch } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { OutputChunk } from '../../ports/streams.js'
import type { OpenFile } from './open-file.js'

export interface TailSource {
  readonly stream: OutputChunk['stream']
  readonly path: string
  /** The tail closes it. */
  readonly file: OpenFile
  /** Where to begin. */
  readonly position: number
}

const largest = 1 << 20
const passesInTurn = 32
/** Where inotify is exhausted or does not work at all (network file systems), output comes this late. */
const safetyMs = 500

/**
 * One reader of several files, in turn, so that a quiet one costs nothing and no queue is needed: what the caller
 * does not read stays in the file. Files are closed when the reading ends, or by `close`.
 */
export class FileTail {
  readonly #sources: Source[]
  #watchers: FSWatcher[] = []
  #watching = false
  #done = false
  #closed = false
  #changed = false
  #wake: (() => void) | undefined
  #released: Promise<void> | undefined
  #reading = false

  /** `ended` settles when nothing more will be written; either way counts. */
  constructor(sources: readonly TailSource[], ended: Promise<unknown>) {
    this.#sources = sources.map((source) => new Source(source))
    const end = (): void => {
      this.#done = true
      this.#notify()
    }
    ended.then(end, end)
  }

  /** Can be read once. Ends when all is read and `ended` has settled, or after `close`. */
  async *output(): AsyncGenerator<OutputChunk, void, undefined> {
    if (this.#reading) throw new TypeError('output can be read once')
    this.#reading = true
    let passes = 0
    try {
      while (!this.#closed) {
        const last = this.#done // before the pass: what is written after it cannot be missed
        this.#changed = false
        let progress = false
        for (const source of this.#sources) {
          const bytes = this.#closed ? undefined : await source.read()
          if (bytes === undefined || this.#closed) continue
          progress = true
          yield { stream: source.stream, bytes }
        }
        if (progress) {
          // Little is read at once, so a writer that never rests would keep everything else from its turn.
          if ((passes += 1) % passesInTurn === 0) await setImmediate()
          continue
        }
        if (last) return
        if (!this.#watching) this.#watch()
        else await this.#wait()
      }
    } finally {
      await this.#release()
    }
  }

  /** Ends the reading. Twice is success. */
  async close(): Promise<void> {
    this.#closed = true
    this.#notify()
    // Also while a reader stands at a chunk and never comes back. A read under way is waited for by the file.
    await this.#release()
  }

  #watch(): void {
    this.#watching = true
    for (const { path } of this.#sources) {
      try {
        const watcher = watch(path, () => {
          this.#notify()
        })
        watcher.on('error', () => {
          watcher.close()
        })
        this.#watchers.push(watcher)
      } catch {
        /* no inotify left, or the file has lost its name: the safety interval reads on */
      }
    }
  }
  #notify(): void {
    this.#changed = true
    this.#wake?.()
  }
  #wait(): Promise<void> {
    if (this.#changed) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, safetyMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
  #release(): Promise<void> {
    return (this.#released ??= (async () => {
      for (const watcher of this.#watchers) watcher.close()
      this.#watchers = []
      await Promise.allSettled(this.#sources.map((source) => source.close()))
    })())
  }
}

class Source {
  readonly stream: OutputChunk['stream']
  readonly path: string
  readonly #file: OpenFile
  #position: number

  constructor({ stream, path, file, position }: TailSource) {
    this.stream = stream
    this.path = path
    this.#file = file
    this.#position = position
  }
  async read(): Promise<Uint8Array | undefined> {
    const unread = this.#file.size - this.#position
    if (unread <= 0) return undefined
    const bytes = await this.#file.read(this.#position, Math.min(unread, largest))
    this.#position += bytes.length
    return bytes.length === 0 ? undefined : bytes
  }
  close(): Promise<void> {
    return this.#file.close()
  }
}
