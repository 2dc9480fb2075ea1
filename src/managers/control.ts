// What may be asked of a running container beside its life: pause, limits, figures.
import { EngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { ContainerChange } from '../model/container.js'
import type { ContainerSpec } from '../model/container-spec.js'
import type { ProcessEntry, RuntimeResources } from '../model/process.js'
import type { StatsSample } from '../model/resources.js'
import type { ContainerControl, StatsOptions } from '../ports/backend/containers.js'
import type { ResourceSample, TaskService } from '../ports/engine/tasks.js'
import { sleep } from '../util/abort.js'
import type { ContainerContext } from './container/context.js'
import { storedContainer } from './container/lookup.js'

export interface ControlDeps extends Pick<ContainerContext, 'records' | 'lock' | 'emit'> {
  readonly tasks: Pick<TaskService, 'find' | 'control'>
  resources(spec: ContainerSpec, options?: CallOptions): Promise<RuntimeResources>
  /** Throws `unsupported` for what this engine cannot change. */
  checkChange(change: ContainerChange): void
}

export class ControlManager implements ContainerControl {
  readonly #deps: ControlDeps
  constructor(deps: ControlDeps) {
    this.#deps = deps
  }

  async pause(id: string, options: CallOptions = {}): Promise<void> {
    await using _lock = await this.#deps.lock(id, options)
    const { record } = await this.#running(id, options)
    await this.#deps.tasks.control.pause(id, options)
    await this.#deps.emit('pause', record, {})
  }

  async resume(id: string, options: CallOptions = {}): Promise<void> {
    await using _lock = await this.#deps.lock(id, options)
    const { record } = await this.#running(id, options)
    await this.#deps.tasks.control.resume(id, options)
    await this.#deps.emit('resume', record, {})
  }

  async update(id: string, change: ContainerChange, options: CallOptions = {}): Promise<void> {
    this.#deps.checkChange(change)
    await using _lock = await this.#deps.lock(id, options)
    const stored = await storedContainer(this.#deps, id, options)
    const { spec } = stored.value
    const changed: ContainerSpec = {
      ...spec,
      resources: { ...spec.resources, ...change.resources },
      labels: changedEntries(spec.labels, change.labels),
      env: changedEntries(spec.env, change.env),
    }
    const resources = await this.#deps.resources(changed, options)
    const task = await this.#deps.tasks.find({ containerId: id }, options)
    if (change.resources !== undefined && task !== undefined && task.status !== 'exited')
      await this.#deps.tasks.control.update(id, resources, options)
    await this.#deps.records.replace(id, stored, { ...stored.value, spec: changed }, options)
    await this.#deps.emit('update', { ...stored.value, spec: changed }, {})
  }

  async *stats(id: string, options: StatsOptions = {}): AsyncGenerator<StatsSample> {
    const { intervalMs = 1_000, signal } = options
    await this.#running(id, { signal })
    let before = await this.#deps.tasks.control.stats(id, { signal })
    for (;;) {
      await sleep(intervalMs, signal)
      const task = await this.#deps.tasks.find({ containerId: id }, { signal })
      if (task === undefined || task.status === 'exited') return
      const now = await this.#deps.tasks.control.stats(id, { signal })
      yield toSample(before, now)
      before = now
    }
  }

  async top(id: string, options: CallOptions = {}): Promise<readonly ProcessEntry[]> {
    await this.#running(id, options)
    return this.#deps.tasks.control.processes(id, options)
  }

  async #running(id: string, options: CallOptions): Promise<{ readonly record: Parameters<ContainerContext['emit']>[1] }> {
    const { value: record } = await storedContainer(this.#deps, id, options)
    const task = await this.#deps.tasks.find({ containerId: id }, options)
    if (task === undefined || task.status === 'exited') throw new EngineError('failed_precondition', `container "${id}" does not run`)
    return { record }
  }
}

function changedEntries(
  before: Readonly<Record<string, string>> = {},
  change: Readonly<Record<string, string | null>> = {},
): Readonly<Record<string, string>> {
  const entries = Object.entries({ ...before, ...change })
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== null))
}

function toSample(before: ResourceSample, now: ResourceSample): StatsSample {
  const elapsedNanos = (now.time.getTime() - before.time.getTime()) * 1e6
  const fraction = elapsedNanos > 0 ? Math.max(0, now.cpuNanos - before.cpuNanos) / elapsedNanos : 0
  const { time, cpuNanos, throttledNanos, memoryBytes, cacheBytes, memoryLimitBytes, pids, readBytes, writtenBytes } = now
  return {
    time,
    cpu: { fraction, usedNanos: cpuNanos, throttledNanos },
    memory: { usedBytes: memoryBytes, cacheBytes, limitBytes: memoryLimitBytes },
    pids: pids === undefined ? undefined : { current: pids },
    blockIo: readBytes === undefined || writtenBytes === undefined ? undefined : { readBytes, writtenBytes },
  }
}
