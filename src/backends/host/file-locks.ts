// Locks without a process per lock. A lock is a hard link `locks/<key>` to the owner file of whoever holds it: link(2)
// makes it or finds it taken, in one step. The owner file's flock, taken once per opened root, tells whether the holder lives.
import { linkSync } from 'node:fs'
import { mkdir, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError, backendClosed } from '../../errors.js'
import type { CallOptions, Closeable } from '../../model/common.js'
import type { Trace } from '../../model/trace.js'
import type { Locks } from '../../ports/engine/locks.js'
import { linkedSignal } from '../../util/abort.js'
import { closeable } from '../../util/closeable.js'
import { encodeFileName } from '../../util/file-name.js'
import { fsError, hasErrno } from '../../util/fs-error.js'
import { KeyedMutex } from '../../util/keyed-mutex.js'
import { DirectoryWatch } from './directory-watch.js'
import { freeDead, type LockDirectories, sweepDead } from './lock-break.js'
import { createOwner, type LockOwner } from './lock-owner.js'
import { removeSmall } from './small-files.js'

export interface OpenFileLocksOptions extends CallOptions {
  readonly onTrace?: Trace | undefined
}
/** How long a waiter looks at nothing but the watch: the death of a holder is not an event there. */
const lookMs = 100
/** Holders whose pid says that they live are asked by their flock only so often. */
const sureMs = 2_000
/** Somebody else may win again and again. */
const mostTries = 5
/** Until they are closed: a file that nobody refers to is closed by the garbage collector, and its flock with it. */
const opened: Set<FileLocks> = new Set()

/**
 * `directory` is the engine's root and gets `owners/` and `locks/`. Each call makes an owner of its own: two of one
 * process exclude each other like two processes. Closing it frees all that it holds, and ends those who wait by it.
 */
export async function openFileLocks(directory: string, options: OpenFileLocksOptions = {}): Promise<FileLocks> {
  const directories = { owners: join(directory, 'owners'), locks: join(directory, 'locks') }
  const { signal, onTrace } = options
  try {
    for (const path of [directories.owners, directories.locks]) await mkdir(path, { recursive: true, mode: 0o700 })
    const owner = await createOwner(directories.owners, signal)
    const locks = new FileLocks(directories, owner, onTrace)
    try {
      for (const error of await sweepDead(directories, owner.path, { signal })) locks.warn('locks.sweep', error)
    } catch (error) {
      await locks.close()
      throw error
    }
    return locks
  } catch (error) {
    throw fsError(error, `locks in "${directory}"`)
  }
}

export class FileLocks implements Locks, Closeable {
  readonly #directories: LockDirectories
  readonly #owner: LockOwner
  readonly #trace: Trace | undefined
  readonly #mutex: KeyedMutex = new KeyedMutex()
  readonly #watch: DirectoryWatch
  readonly #held: Set<string> = new Set()
  readonly #taking: Set<Promise<unknown>> = new Set()
  readonly #closing: AbortController = new AbortController()
  readonly #closer: Closeable

  constructor(directories: LockDirectories, owner: LockOwner, trace: Trace | undefined) {
    this.#directories = directories
    this.#owner = owner
    this.#trace = trace
    this.#watch = new DirectoryWatch(directories.locks)
    opened.add(this)
    this.#closer = closeable(() => this.#closeAll())
  }
  close(): Promise<void> {
    return this.#closer.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#closer.close()
  }
  warn(name: string, error: unknown): void {
    try {
      this.#trace?.({ kind: 'warning', name, error })
    } catch {
      // a tracer's own bug
    }
  }

  async acquire(key: string, options: CallOptions = {}): Promise<Closeable> {
    return this.#free(key, options) ?? (await this.#tracked(key, (name, signal) => this.#wait(name, signal), options))
  }
  tryAcquire(key: string, options: CallOptions = {}): Promise<Closeable | undefined> {
    return this.#tracked(key, (name, signal) => this.#try(name, signal), options)
  }
  /** Has anybody else alive this root open? Another opening of this process counts. */
  async hasOthers(options: CallOptions = {}): Promise<boolean> {
    const own = this.#owner.path
    for (const error of await sweepDead(this.#directories, own, options)) this.warn('locks.sweep', error)
    return (await readdir(this.#directories.owners)).some((name) => join(this.#directories.owners, name) !== own)
  }
  async lead(key: string, work: (signal: AbortSignal) => Promise<void>, options: CallOptions = {}): Promise<void> {
    await using _lead = await this.acquire(`lead/${key}`, options)
    await work(options.signal ?? new AbortController().signal)
  }

  /** One that nobody holds, as most are: at once, so there is nothing that closing or an abort could meet. */
  #free(key: string, { signal }: CallOptions): Closeable | undefined {
    signal?.throwIfAborted()
    this.#closing.signal.throwIfAborted()
    const name = encodeFileName(key)
    const turn = this.#mutex.tryAcquire(name)
    if (turn === undefined) return undefined
    try {
      if (this.#link(name, this.#closing.signal)) return this.#lock(name, turn)
    } catch (error) {
      turn[Symbol.dispose]()
      throw this.#failed(key, error)
    }
    turn[Symbol.dispose]()
    return undefined
  }
  /** Closing waits for these, so that none makes a link after it. */
  async #tracked<T>(key: string, take: (name: string, signal: AbortSignal) => Promise<T>, options: CallOptions): Promise<T> {
    options.signal?.throwIfAborted()
    this.#closing.signal.throwIfAborted()
    const name = encodeFileName(key)
    using linked = linkedSignal(options.signal, this.#closing.signal)
    const taking = take(name, linked.signal)
    this.#taking.add(taking)
    try {
      return await taking
    } catch (error) {
      linked.signal.throwIfAborted()
      throw this.#failed(key, error)
    } finally {
      this.#taking.delete(taking)
    }
  }

  async #wait(name: string, signal: AbortSignal): Promise<Closeable> {
    const turn = await this.#mutex.acquire(name, { signal })
    try {
      if (!this.#link(name, signal)) await this.#waitForOthers(name, signal)
    } catch (error) {
      turn[Symbol.dispose]()
      throw error
    }
    return this.#lock(name, turn)
  }
  async #waitForOthers(name: string, signal: AbortSignal): Promise<void> {
    using watching = this.#watch.subscribe(name)
    let asked = performance.now()
    for (;;) {
      const sure = performance.now() - asked > sureMs
      if (sure) asked = performance.now()
      const found = await freeDead(this.#directories, name, this.#owner, { signal, sure })
      if (found === 'mine') return
      if (this.#link(name, signal)) return
      await watching.wait(lookMs, signal)
    }
  }
  async #try(name: string, signal: AbortSignal): Promise<Closeable | undefined> {
    const turn = this.#mutex.tryAcquire(name)
    if (turn === undefined) return undefined
    try {
      for (let tries = 1; tries <= mostTries; tries += 1) {
        if (this.#link(name, signal)) return this.#lock(name, turn)
        const found = await freeDead(this.#directories, name, this.#owner, { signal, sure: true })
        if (found === 'mine') return this.#lock(name, turn)
        if (found === 'held') break
      }
    } catch (error) {
      turn[Symbol.dispose]()
      throw error
    }
    turn[Symbol.dispose]()
    return undefined
  }

  #link(name: string, signal: AbortSignal): boolean {
    signal.throwIfAborted()
    try {
      linkSync(this.#owner.path, join(this.#directories.locks, name))
      return true
    } catch (error) {
      if (hasErrno(error, 'EEXIST')) return false
      throw error
    }
  }
  #lock(name: string, turn: Disposable): Closeable {
    this.#held.add(name)
    return closeable(async () => {
      // Absent: closing the whole was first.
      if (this.#held.delete(name)) this.#unlink(name)
      turn[Symbol.dispose]()
    })
  }
  /** A link that stays is `mine` to the next one here who asks, and a dead one's when this process ends. */
  #unlink(name: string): void {
    try {
      removeSmall(join(this.#directories.locks, name))
    } catch (error) {
      this.warn('locks.free', error)
    }
  }
  #failed(key: string, error: unknown): unknown {
    if (!hasErrno(error, 'ENOENT')) return fsError(error, `lock "${key}"`)
    return new EngineError('unavailable', `"${this.#directories.locks}" or our file in "${this.#directories.owners}" was taken away`, {
      cause: error,
    })
  }

  async #closeAll(): Promise<void> {
    this.#closing.abort(backendClosed())
    await Promise.allSettled(this.#taking)
    const held = [...this.#held]
    this.#held.clear()
    for (const name of held) this.#unlink(name)
    try {
      await unlink(this.#owner.path)
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) this.warn('locks.close', error)
    }
    await this.#owner.file.close().catch((error: unknown) => {
      this.warn('locks.close', error)
    })
    opened.delete(this)
  }
}
