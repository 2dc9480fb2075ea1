import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { ProcessEntry, RuntimeResources } from '../../../model/process.js'
import type { RuntimeFeatures } from '../../../ports/drivers/runtime.js'
import type { ResourceSample, StartedProcess, TaskControl, TaskRequest } from '../../../ports/engine/tasks.js'
import { type Known, type TaskContext, mustKnow } from './context.js'
import { processEntries } from './processes.js'
import type { CarriedProcess } from './carrier.js'

export class CarriedTaskControl implements TaskControl {
  readonly #context: TaskContext
  constructor(context: TaskContext) {
    this.#context = context
  }

  async pause(containerId: string, options: CallOptions = {}): Promise<void> {
    const task = await this.#running(containerId, 'pause', options)
    if (task.process.status === 'paused') return
    await this.#still(() => this.#context.carrier.control.pause(task.state, options), task, 'paused', options)
  }
  async resume(containerId: string, options: CallOptions = {}): Promise<void> {
    const task = await this.#running(containerId, 'pause', options)
    if (task.process.status !== 'paused') return
    await this.#still(() => this.#context.carrier.control.resume(task.state, options), task, 'running', options)
  }
  async update(containerId: string, resources: RuntimeResources, options: CallOptions = {}): Promise<void> {
    const { state } = await this.#running(containerId, 'update', options)
    await this.#context.carrier.control.update(state, resources, options)
  }
  async stats(containerId: string, options: CallOptions = {}): Promise<ResourceSample> {
    const { state, features } = await this.#task(containerId, options)
    const own = features?.stats === 'runtime' ? undefined : await this.#context.cgroups.sample(state.cgroup)
    options.signal?.throwIfAborted()
    if (own !== undefined) return own
    const task = await this.#running(containerId, undefined, options)
    const sample = await this.#context.carrier.control.sample(task.state, options)
    if (sample === undefined)
      throw new EngineError('unsupported', `runtime "${state.runtime}" tells no figures of container "${containerId}"`)
    return sample
  }
  async processes(containerId: string, options: CallOptions = {}): Promise<readonly ProcessEntry[]> {
    const { state } = await this.#running(containerId, 'hostPid', options)
    const pids = await this.#context.carrier.control.pids(state, options)
    return processEntries([...pids].sort((a, b) => a - b))
  }
  async checkpoint(containerId: string): Promise<void> {
    throw new EngineError('unsupported', `container "${containerId}" cannot be checkpointed here`)
  }
  async restore({ containerId }: TaskRequest): Promise<StartedProcess> {
    throw new EngineError('unsupported', `container "${containerId}" cannot be restored here`)
  }

  async #task(containerId: string, options: CallOptions): Promise<Known & { readonly features: RuntimeFeatures | undefined }> {
    options.signal?.throwIfAborted()
    const found = await mustKnow(this.#context, { containerId }, options)
    if ((await found.files.exit(found.state)) !== undefined) throw doesNotRun(containerId)
    return { ...found, features: this.#context.runtimes.features(found.state.runtime) }
  }
  async #running(
    containerId: string,
    feature: 'pause' | 'update' | 'hostPid' | undefined,
    options: CallOptions,
  ): Promise<Known & { readonly process: CarriedProcess }> {
    const found = await this.#task(containerId, options)
    const { features, state } = found
    if (feature !== undefined && features?.[feature] === false)
      throw new EngineError('unsupported', `runtime "${state.runtime}" cannot do that to container "${containerId}"`)
    const process = await this.#context.carrier.find(state, options)
    if (process === undefined || process.status === 'stopped') throw doesNotRun(containerId)
    return { ...found, process }
  }
  /** Somebody may have done it, or it may have ended, in between. */
  async #still(call: () => Promise<void>, { state }: Known, wanted: CarriedProcess['status'], options: CallOptions): Promise<void> {
    try {
      await call()
    } catch (error) {
      if (!isEngineError(error)) throw error
      const now = await this.#context.carrier.find(state, options)
      if (now?.status === wanted) return
      if (now === undefined || now.status === 'stopped') throw doesNotRun(state.containerId, error)
      throw error
    }
  }
}

function doesNotRun(containerId: string, cause?: unknown): EngineError {
  return new EngineError('failed_precondition', `container "${containerId}" does not run`, {
    cause,
    subject: { kind: 'container', id: containerId },
  })
}
