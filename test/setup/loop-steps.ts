// What the main thread spends in one go: its CPU time from one callback of the event loop to the next, with all ticks and promises that
// follow the first. Waiting costs none, so load on the machine lengthens no step by itself.
import { AsyncResource, createHook, executionAsyncResource } from 'node:async_hooks'
import { closeSync, openSync, readSync } from 'node:fs'
import { PerformanceObserver } from 'node:perf_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { types } from 'node:util'

export interface Step {
  /** What called back: Node's name of the resource, as `TCP`, `FSReqPromise`, `Timeout`. */
  readonly by: string
  /** By `performance.now()`. */
  readonly begunAt: number
  readonly endedAt: number
  readonly cpuMs: number
  /** Of it, by the clock on the wall, in pauses of the garbage collector. */
  readonly collectingMs: number
}
export interface StepWatch {
  /** Resolves with the steps of at least `keepMs`, and how many there were in all. */
  stop(): Promise<{ readonly count: number; readonly steps: readonly Step[] }>
}

/** Of the thread that calls it, the main one. The watch itself is in the steps: some 5 µs of each, and a little of each promise. */
export function watchSteps({ keepMs = 1 }: { readonly keepMs?: number } = {}): StepWatch {
  const clock = openThreadClock()
  const steps: Omit<Step, 'collectingMs'>[] = []
  const pauses: { readonly from: number; readonly ms: number }[] = []
  const note = (list: { getEntries(): readonly { readonly startTime: number; readonly duration: number }[] }): void => {
    for (const { startTime, duration } of list.getEntries()) pauses.push({ from: startTime, ms: duration })
  }
  const collections = new PerformanceObserver(note)
  let count = 0
  let depth = 0
  let by = 'start'
  let begunAt = performance.now()
  let spentMs = clock.ms()
  const next = (name: string): void => {
    const nowMs = clock.ms()
    const endedAt = performance.now()
    if (nowMs - spentMs >= keepMs) steps.push({ by, begunAt, endedAt, cpuMs: nowMs - spentMs })
    count += 1
    by = name
    begunAt = endedAt
    spentMs = nowMs
  }
  const hook = createHook({
    before() {
      const resource = executionAsyncResource()
      if (types.isPromise(resource)) return
      if (depth === 0 && !isContinuation(resource)) next(resource.constructor.name)
      depth += 1
    },
    after() {
      // Of what was underway when the watch began no `before` was seen.
      if (!types.isPromise(executionAsyncResource())) depth = Math.max(0, depth - 1)
    },
  })
  collections.observe({ entryTypes: ['gc'] })
  hook.enable()
  return {
    async stop() {
      await turn()
      hook.disable()
      await turn() // the last collections are told
      collections.disconnect()
      clock.close()
      const collectingMs = (from: number, to: number): number =>
        pauses.reduce((sum, pause) => sum + (pause.from >= from && pause.from < to ? pause.ms : 0), 0)
      return { count, steps: steps.map((step) => ({ ...step, collectingMs: collectingMs(step.begunAt, step.endedAt) })) }
    },
  }
}

/** Comes after a callback, before the loop goes on: `nextTick`, `queueMicrotask`, and whatever runs in a scope of its own below a promise. */
function isContinuation(resource: object): boolean {
  return resource instanceof AsyncResource || (resource.constructor === Object && 'callback' in resource)
}

/** The kernel tells a thread's time as of its last tick, unless somebody has just asked for that of the process. */
function openThreadClock(): { ms(): number; close(): void } {
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
  const bytes = Buffer.alloc(64)
  return {
    ms() {
      process.cpuUsage()
      const length = readSync(file, bytes, 0, bytes.length, 0)
      return Number(bytes.toString('latin1', 0, bytes.indexOf(0x20)) || length) / 1e6
    },
    close() {
      closeSync(file)
    },
  }
}
