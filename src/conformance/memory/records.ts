import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { RecordStore, Stored } from '../../ports/engine/records.js'

export class MemoryRecords<T> implements RecordStore<T> {
  readonly #records: Map<string, Stored<T>> = new Map()
  #revision = 0

  async find(id: string, options?: CallOptions): Promise<Stored<T> | undefined> {
    options?.signal?.throwIfAborted()
    return this.#records.get(id)
  }
  async *list(options?: CallOptions): AsyncGenerator<Stored<T>> {
    options?.signal?.throwIfAborted()
    for (const stored of [...this.#records.values()]) {
      options?.signal?.throwIfAborted()
      yield stored
    }
  }
  async create(id: string, value: T, options?: CallOptions): Promise<Stored<T>> {
    options?.signal?.throwIfAborted()
    if (this.#records.has(id)) throw new EngineError('already_exists', `record "${id}" is there already`)
    return this.#put(id, value)
  }
  async replace(id: string, previous: Stored<T>, value: T, options?: CallOptions): Promise<Stored<T>> {
    options?.signal?.throwIfAborted()
    const now = this.#records.get(id)
    if (now === undefined) throw new EngineError('not_found', `no record "${id}"`)
    if (now.revision !== previous.revision) throw new EngineError('conflict', `record "${id}" was written by another`)
    return this.#put(id, value)
  }
  async delete(id: string, options?: CallOptions): Promise<void> {
    options?.signal?.throwIfAborted()
    this.#records.delete(id)
  }

  /** A copy, as any real store makes: who changes its own object changes no record. */
  #put(id: string, value: T): Stored<T> {
    const stored = { value: structuredClone(value), revision: String(++this.#revision) }
    this.#records.set(id, stored)
    return stored
  }
}
