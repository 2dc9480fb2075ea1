// Records as JSON files, one each. A new value is written beside the old one and renamed over it.
import { randomUUID } from 'node:crypto'
import { existsSync, renameSync } from 'node:fs'
import { open, readdir, unlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { Trace } from '../../model/trace.js'
import type { Locks } from '../../ports/engine/locks.js'
import type { RecordStore, Stored } from '../../ports/engine/records.js'
import { encodeFileName } from '../../util/file-name.js'
import { fsError, hasErrno } from '../../util/fs-error.js'
import { readSmall, removeRare, writeSmall } from './small-files.js'

export interface FileRecordsOptions<T> {
  /** `<root>/records/<kind>`; its last part names the kind, in messages and locks. Made when the first record is. */
  readonly directory: string
  /** For those that are not `durable`. Default: the same. */
  readonly volatileDirectory?: string | undefined
  readonly locks: Pick<Locks, 'acquire' | 'tryAcquire'>
  /** From what JSON gives: checks it and makes dates of dates. Throws for what is not a record. */
  readonly parse: (json: unknown) => T
  /** To what JSON takes. Default: as it is, and then dates become ISO strings. */
  readonly serialize?: ((value: T) => unknown) | undefined
  /** False: a crash of the machine may lose it (one of this process never does), and it is written several times faster. Default true. */
  readonly durable?: ((value: T) => boolean) | undefined
  readonly onTrace?: Trace | undefined
}
const suffix = '.json'
/** How many files `list` reads at once. */
const readAhead = 16

export class FileRecords<T> implements RecordStore<T> {
  readonly #options: FileRecordsOptions<T>
  readonly #kind: string
  /** Where records may be. */
  readonly #directories: readonly string[]
  constructor(options: FileRecordsOptions<T>) {
    this.#options = options
    this.#directories = [...new Set([options.directory, options.volatileDirectory ?? options.directory])]
    this.#kind = basename(options.directory)
  }

  async find(id: string, options: CallOptions = {}): Promise<Stored<T> | undefined> {
    options.signal?.throwIfAborted()
    return this.#read(encodeFileName(id), id)
  }
  /** One that cannot be read is traced and passed over. */
  async *list(options: CallOptions = {}): AsyncGenerator<Stored<T>> {
    options.signal?.throwIfAborted()
    const names = await this.#names(options)
    for (let from = 0; from < names.length; from += readAhead) {
      options.signal?.throwIfAborted()
      const some = await Promise.all(names.slice(from, from + readAhead).map((name) => this.#readUnlessBroken(name, options)))
      for (const stored of some) if (stored !== undefined) yield stored
    }
  }
  create(id: string, value: T, options: CallOptions = {}): Promise<Stored<T>> {
    return this.#locked(id, options, async (name) => {
      if (this.#directories.some((directory) => existsSync(pathOf(directory, name))))
        throw new EngineError('already_exists', `${this.#kind} record "${id}" is there already`)
      return this.#write(name, value)
    })
  }
  replace(id: string, previous: Stored<T>, value: T, options: CallOptions = {}): Promise<Stored<T>> {
    return this.#locked(id, options, async (name) => {
      const now = this.#read(name, id)
      if (now === undefined) throw new EngineError('not_found', `no ${this.#kind} record "${id}"`)
      if (now.revision !== previous.revision) throw new EngineError('conflict', `${this.#kind} record "${id}" was written by another`)
      return this.#write(name, value)
    })
  }
  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.#locked(id, options, async (name) => {
      const durable = this.#isDurable(name, id)
      for (const directory of this.#directories) {
        if (removeRare(pathOf(directory, name)) && durable) await syncDirectory(directory)
      }
    })
  }

  async #locked<R>(id: string, options: CallOptions, work: (name: string) => Promise<R>): Promise<R> {
    const name = encodeFileName(id)
    await using _lock = await this.#options.locks.acquire(this.#lockKey(name), options)
    options.signal?.throwIfAborted()
    try {
      return await work(name)
    } catch (error) {
      throw fsError(error, `${this.#kind} record "${id}"`)
    }
  }
  #lockKey(name: string): string {
    return `record/${this.#kind}/${name}`
  }

  async #names(options: CallOptions): Promise<readonly string[]> {
    const names = new Set<string>()
    for (const directory of this.#directories) {
      for (const name of await this.#entries(directory)) {
        if (name.startsWith('.')) await this.#sweep(directory, name.slice(1), options)
        else if (name.endsWith(suffix)) names.add(name.slice(0, -suffix.length))
      }
    }
    return [...names]
  }
  async #entries(directory: string): Promise<readonly string[]> {
    try {
      return await readdir(directory)
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return []
      throw fsError(error, `${this.#kind} records`)
    }
  }
  /** What a writer left when it died; one that lives holds the lock. */
  async #sweep(directory: string, name: string, options: CallOptions): Promise<void> {
    try {
      await using lock = await this.#options.locks.tryAcquire(this.#lockKey(name), options)
      if (lock !== undefined) await unlink(temporaryOf(directory, name))
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!hasErrno(error, 'ENOENT')) this.#warn(error)
    }
  }

  async #readUnlessBroken(name: string, options: CallOptions): Promise<Stored<T> | undefined> {
    try {
      return this.#read(name, name)
    } catch (error) {
      options.signal?.throwIfAborted()
      this.#warn(error)
      return undefined
    }
  }
  #read(name: string, id: string): Stored<T> | undefined {
    let text: string | undefined
    let path = ''
    try {
      for (const directory of this.#directories) {
        path = pathOf(directory, name)
        text = readSmall(path)
        if (text !== undefined) break
      }
    } catch (error) {
      throw fsError(error, `${this.#kind} record "${id}"`)
    }
    if (text === undefined) return undefined
    try {
      const { revision, value } = JSON.parse(text) as { revision?: unknown; value?: unknown }
      if (typeof revision !== 'string') throw new TypeError('no revision')
      return { value: this.#options.parse(value), revision }
    } catch (cause) {
      throw new EngineError('data_loss', `${this.#kind} record "${id}" cannot be read: ${path}`, { cause })
    }
  }
  #isDurable(name: string, id: string): boolean {
    const { durable } = this.#options
    if (durable === undefined) return true
    try {
      const stored = this.#read(name, id)
      return stored === undefined || durable(stored.value)
    } catch {
      return true
    }
  }

  async #write(name: string, value: T): Promise<Stored<T>> {
    const { directory, volatileDirectory = directory, serialize, durable } = this.#options
    // Never used again, so that one deleted and made anew is another one.
    const revision = randomUUID()
    const text = `${JSON.stringify({ revision, value: serialize === undefined ? value : serialize(value) })}\n`
    const sync = durable?.(value) ?? true
    const place = sync ? directory : volatileDirectory
    const temporary = temporaryOf(place, name)
    try {
      writeSmall(temporary, text)
      if (sync) await syncData(temporary)
      renameSync(temporary, pathOf(place, name))
    } catch (error) {
      await unlink(temporary).catch(() => {})
      throw error
    }
    if (sync) await syncDirectory(directory)
    for (const other of this.#directories) if (other !== place) removeRare(pathOf(other, name))
    return { value, revision }
  }
  #warn(error: unknown): void {
    try {
      this.#options.onTrace?.({ kind: 'warning', name: `records.${this.#kind}`, error })
    } catch {
      // a tracer's own bug
    }
  }
}

function pathOf(directory: string, name: string): string {
  return join(directory, name + suffix)
}
/** Under the record's lock nobody else writes it, so that what a crash left there is written over. */
function temporaryOf(directory: string, name: string): string {
  return join(directory, `.${name}`)
}
async function syncData(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.datasync()
}
async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}
