// Ends of processes, and the OOM killer's visits, whoever started them. What the carrier tells is a hint: a process's own
// watch says counts, so that neither a duplicate nor a connection that was down changes anything.
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { ExitStatus } from '../../../model/process.js'
import type { TaskEvent } from '../../../ports/engine/tasks.js'
import { linkedSignal, sleep } from '../../../util/abort.js'
import { makingKey } from './claim.js'
import { type Known, type TaskContext, known, refOf } from './context.js'

/** How many ends are remembered, to tell each once. */
const remembered = 10_000
const retryMs = 100
const startMs = 10_000
const mostRestMs = 100

export class TaskEvents {
  readonly #context: TaskContext
  readonly #readers: Set<(event: TaskEvent) => void> = new Set()
  readonly #told: Set<string> = new Set()
  readonly #listening: Disposable
  #stop: AbortController | undefined

  constructor(context: TaskContext) {
    this.#context = context
    this.#listening = context.exits.listen((ref, exit, wireId) => {
      this.#exited(ref, exit, wireId)
    })
  }
  close(): void {
    this.#listening[Symbol.dispose]()
    this.#stop?.abort()
  }

  async *read({ signal }: CallOptions): AsyncGenerator<TaskEvent, void, undefined> {
    signal?.throwIfAborted()
    // Not limited: one a process, and a reader that stands still is waited for by nobody.
    const queue: TaskEvent[] = []
    let wake = (): void => {}
    const add = (event: TaskEvent): void => {
      queue.push(event)
      wake()
    }
    const abort = (): void => {
      wake()
    }
    this.#readers.add(add)
    this.#begin()
    const { closed } = this.#context.exits
    for (const one of [signal, closed]) one?.addEventListener('abort', abort)
    try {
      for (;;) {
        const next = queue.shift()
        signal?.throwIfAborted()
        closed.throwIfAborted()
        if (next !== undefined) yield next
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    } finally {
      for (const one of [signal, closed]) one?.removeEventListener('abort', abort)
      this.#readers.delete(add)
      if (this.#readers.size === 0) {
        this.#stop?.abort()
        this.#stop = undefined
      }
    }
  }

  #exited(ref: Known['state'] | TaskEvent['ref'], exit: ExitStatus, wireId: string): void {
    const own = refOf(ref)
    if (own.execId === undefined && exit.oomKilled === true) this.#tell({ kind: 'oom', ref: own }, `${wireId} oom`)
    this.#tell({ kind: 'exited', ref: own, exit }, `${wireId} ${own.execId ?? ''}`)
  }
  #tell(event: TaskEvent, key: string): void {
    if (this.#told.has(key)) return
    this.#told.add(key)
    if (this.#told.size > remembered)
      for (const oldest of this.#told) {
        this.#told.delete(oldest)
        break
      }
    for (const reader of this.#readers) reader(event)
  }

  #begin(): void {
    if (this.#stop !== undefined) return
    const stop = new AbortController()
    this.#stop = stop
    void this.#follow(stop.signal)
  }
  async #follow(signal: AbortSignal): Promise<void> {
    const begun = Date.now()
    while (!signal.aborted && !this.#context.exits.closed.aborted) {
      try {
        await this.#connected(begun, signal)
      } catch (error) {
        if (signal.aborted || this.#context.exits.closed.aborted) return
        if (!isEngineError(error, 'unavailable')) this.#context.trace({ kind: 'warning', name: 'task events', error })
      }
      await sleep(retryMs, signal).catch(() => {})
    }
  }
  /** From the subscription on; what ended before it is compared for. */
  async #connected(begun: number, signal: AbortSignal): Promise<void> {
    let ready = (): void => {}
    const subscribed = new Promise<void>((resolve) => {
      ready = resolve
    })
    using own = linkedSignal(signal)
    const events = this.#context.carrier.survey.events(ready, own.signal)[Symbol.asyncIterator]()
    try {
      let next = events.next()
      next.catch(() => {})
      await Promise.race([next, subscribed])
      await this.#compare(begun, signal)
      for (let result = await next; result.done !== true; result = await next) {
        const { value } = result
        next = events.next()
        next.catch(() => {})
        if (value.kind === 'changed') await this.#look(begun, signal)
        else if (value.kind === 'oom') await this.#oom(value.wireId)
        else await this.#ended(value.wireId, value.execId)
      }
    } finally {
      own.abort(new EngineError('unavailable', 'nobody reads these events'))
    }
  }
  /** Reads the state of every task. So what many change at once is looked at once: a twentieth of the time at most goes into it. */
  async #look(begun: number, signal: AbortSignal): Promise<void> {
    const from = performance.now()
    await this.#compare(begun, signal)
    await sleep(Math.min(mostRestMs, (performance.now() - from) * 19), signal)
  }
  /** Watches all that live, and tells of those that another process has settled meanwhile. */
  async #compare(begun: number, signal: AbortSignal): Promise<void> {
    for await (const { files, state } of this.#context.files.list()) {
      signal.throwIfAborted()
      const exit = await files.exit(state)
      if (exit === undefined) {
        if (await files.started()) this.#context.exits.watch(files, state).exit.catch(() => {})
      } else if (exit.exitedAt.getTime() >= begun) this.#exited(state, exit, state.wireId)
    }
  }
  async #oom(wireId: string): Promise<void> {
    const found = await this.#ours(wireId, undefined)
    if (found !== undefined) this.#tell({ kind: 'oom', ref: refOf(found.state) }, `${wireId} oom`)
  }
  async #ended(wireId: string, execId: string | undefined): Promise<void> {
    const found = await this.#ours(wireId, execId)
    if (found === undefined || this.#told.has(`${wireId} ${execId ?? ''}`)) return
    const exit = await found.files.exit(found.state)
    if (exit !== undefined) this.#exited(found.state, exit, wireId)
    else void this.#watchStarted(found)
  }
  /** Whoever starts it may not have its answer yet: freed now, it would seem never to have been there. */
  async #watchStarted({ files, state }: Known): Promise<void> {
    const { exits, making } = this.#context
    for (let waitedMs = 0; waitedMs < startMs; waitedMs += retryMs) {
      // Ours is watched by who makes it.
      if (making.has(makingKey(state))) return
      if (await files.started()) {
        exits.watch(files, state).exit.catch(() => {})
        return
      }
      await sleep(retryMs)
    }
  }
  async #ours(wireId: string, execId: string | undefined): Promise<Known | undefined> {
    const containerId = wireId.slice(0, wireId.lastIndexOf('-'))
    if (containerId === '') return undefined
    const found = await known(this.#context, execId === undefined ? { containerId } : { containerId, execId })
    return found?.state.wireId === wireId ? found : undefined
  }
}
