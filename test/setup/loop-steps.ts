// What the main thread spends in one go: its CPU time from one callback of the event loop to the next, with all ticks and promises that
// follow the first. Waiting costs none, so load on the machine lengthens no step by itself.
import { AsyncResource, createHook, executionAsyncResource } from 'node:async_hooks'
import { closeSync, openSync, readSync } from 'node:fs'
import { type Profiler, Session } from 'node:inspector'
import { types } from 'node:util'

export interface Step {
  /** What called back: Node's name of the resource, as `TCP`, `FSReqPromise`, `Timeout`. */
  readonly by: string
  /** The function that it was in for longest. */
  readonly within: string
  readonly cpuMs: number
  /** Of it, in the garbage collector, its marking in small steps included: as many of the samples. */
  readonly collectingMs: number
}
export interface StepWatch {
  /** Those of at least `keepMs`, and how many there were in all. */
  stop(): { readonly count: number; readonly steps: readonly Step[] }
}

/**
 * Of the thread that calls it, the main one. The watch itself is in the steps: some 5 µs of each, a little of each promise, and what sampling
 * takes, some hundredths.
 */
export function watchSteps({ keepMs = 2 }: { readonly keepMs?: number } = {}): StepWatch {
  const clock = openThreadClock()
  const kept: { readonly by: string; readonly begunAt: number; readonly endedAt: number; readonly cpuMs: number }[] = []
  let count = 0
  let depth = 0
  let by = ''
  let begunAt = nowUs()
  let spentMs = clock.ms()
  const next = (name: string): void => {
    const ms = clock.ms()
    const endedAt = nowUs()
    // The first one had begun before the watch.
    if (by !== '' && ms - spentMs >= keepMs) kept.push({ by, begunAt, endedAt, cpuMs: ms - spentMs })
    count += 1
    by = name
    begunAt = endedAt
    spentMs = clock.ms()
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
  const sampling = startSampling()
  hook.enable()
  return {
    stop() {
      hook.disable()
      next('')
      clock.close()
      const during = sampling.stop()
      return { count, steps: kept.map(({ begunAt, endedAt, ...step }) => ({ ...step, ...during(begunAt, endedAt, step.cpuMs) })) }
    },
  }
}

/** Comes after a callback, before the loop goes on: `nextTick`, `queueMicrotask`, and whatever runs in a scope of its own below a promise. */
function isContinuation(resource: object): boolean {
  return resource instanceof AsyncResource || (resource.constructor === Object && 'callback' in resource)
}
const nowUs = (): number => Number(process.hrtime.bigint() / 1000n)

/** The kernel tells a thread's time as of its last tick, unless somebody has just asked for that of the process. */
function openThreadClock(): { ms(): number; close(): void } {
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`, 'r')
  const bytes = Buffer.alloc(64)
  return {
    ms() {
      process.cpuUsage()
      readSync(file, bytes, 0, bytes.length, 0)
      return Number(bytes.toString('latin1', 0, bytes.indexOf(0x20))) / 1e6
    },
    close() {
      closeSync(file)
    },
  }
}

/** Node tells pauses of the collector, but not its marking in between. Samples show both. */
function startSampling(): { stop(): (fromUs: number, toUs: number, cpuMs: number) => Pick<Step, 'within' | 'collectingMs'> } {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.setSamplingInterval', { interval: 250 })
  session.post('Profiler.start')
  return {
    stop() {
      let profile: Profiler.Profile | undefined
      session.post('Profiler.stop', (_error, result) => {
        profile = result.profile
      })
      session.disconnect()
      if (profile === undefined) throw new Error('the profiler has told nothing')
      const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame.functionName || '(anonymous)']))
      let at = profile.startTime
      const samples = (profile.samples ?? []).map((id, index) => {
        at += profile?.timeDeltas?.[index] ?? 0
        return { at, name: names.get(id) ?? '' }
      })
      return (fromUs, toUs, cpuMs) => {
        const own = samples.filter((sample) => sample.at >= fromUs && sample.at < toUs && sample.name !== '(idle)')
        const counts = new Map<string, number>()
        for (const { name } of own) counts.set(name, (counts.get(name) ?? 0) + 1)
        const [most] = [...counts].sort(([, a], [, b]) => b - a)
        const share = (counts.get('(garbage collector)') ?? 0) / Math.max(1, own.length)
        return { within: most?.[0] ?? '', collectingMs: share * cpuMs }
      }
    },
  }
}
