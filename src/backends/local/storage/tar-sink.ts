// Entries to tar, in one run of it or, where something must be removed in between, in several.
import type { TarExtract } from './tar/extract.js'
import type { TarEntry } from './tar/entry.js'
import { archiveEnd, writeHeader } from './tar/write.js'

/** Takes entries in order. */
export interface EntrySink {
  /** Their bytes are written next by whoever called `place`. */
  header(entry: TarEntry): Promise<void> | undefined
  /** All that was given is on the disk. */
  cut(): Promise<void>
}

export class TarSink implements EntrySink, AsyncDisposable {
  readonly #start: () => Promise<TarExtract>
  #child: TarExtract | undefined
  constructor(start: () => Promise<TarExtract>) {
    this.#start = start
  }

  header(entry: TarEntry): Promise<void> | undefined {
    const bytes = writeHeader(entry)
    return this.#child === undefined ? this.#first(bytes) : this.#child.write(bytes)
  }
  bytes(part: Uint8Array): Promise<void> | undefined {
    return this.#child?.write(part)
  }
  async cut(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#child = undefined
    await using ending = child
    await ending.write(archiveEnd)
    await ending.end()
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child?.[Symbol.asyncDispose]()
  }

  async #first(bytes: Uint8Array): Promise<void> {
    this.#child = await this.#start()
    await this.#child.write(bytes)
  }
}
