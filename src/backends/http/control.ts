// What may be asked of a container beside its life.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ContainerChange } from '../../model/container.js'
import type { ProcessEntry } from '../../model/process.js'
import type { StatsSample } from '../../model/resources.js'
import type { ContainerControl, StatsOptions } from '../../ports/backend/containers.js'
import { type ContainerContext, containerSubject, doesNotRun, inspect } from './container-context.js'
import { requireCapability } from './context.js'
import { path } from './path.js'
import { containerStats } from './stats.js'
import { updateContainer } from './update.js'
import { isRunning } from './wire/container-info.js'
import { parse } from './wire/parse.js'
import { toProcesses, topAnswer } from './wire/top.js'

export class HttpControl implements ContainerControl {
  readonly #context: ContainerContext
  constructor(context: ContainerContext) {
    this.#context = context
  }

  pause(id: string, options: CallOptions = {}): Promise<void> {
    return this.#freeze(id, 'pause', options)
  }
  resume(id: string, options: CallOptions = {}): Promise<void> {
    return this.#freeze(id, 'unpause', options)
  }
  async update(id: string, change: ContainerChange, options: CallOptions = {}): Promise<void> {
    using _turn = await this.#context.verbs.acquire(id, options)
    await updateContainer(this.#context, id, change, options)
  }
  stats(id: string, options?: StatsOptions): AsyncIterable<StatsSample> {
    return containerStats(this.#context, id, options)
  }
  async top(id: string, options: CallOptions = {}): Promise<readonly ProcessEntry[]> {
    requireCapability(this.#context, 'top')
    const { calls, dialect } = this.#context
    const query = { ps_args: dialect.containers.topArguments }
    try {
      const answer = await calls.json('GET', path`/containers/${id}/top`, { query, subject: containerSubject(id), ...options })
      return toProcesses(parse(topAnswer, answer, 'GET /containers/{id}/top'))
    } catch (error) {
      if (!isEngineError(error) || error.code === 'not_found') throw error
      throw (await this.#runs(id, options)) ? error : doesNotRun(id)
    }
  }

  async #freeze(id: string, verb: 'pause' | 'unpause', options: CallOptions): Promise<void> {
    requireCapability(this.#context, 'pause')
    using _turn = await this.#context.verbs.acquire(id, options)
    const { State } = await inspect(this.#context, id, options)
    const paused = State.Paused === true || State.Status === 'paused'
    if (!paused && !isRunning(State)) throw doesNotRun(id)
    if (paused === (verb === 'pause')) return
    try {
      await this.#context.calls.json('POST', path`/containers/${id}/${verb}`, { subject: containerSubject(id), ...options })
    } catch (error) {
      // Somebody else may have done it in between.
      if (!isEngineError(error, 'failed_precondition')) throw error
      const { State: now } = await inspect(this.#context, id, options)
      const is = now.Paused === true || now.Status === 'paused'
      if (is !== (verb === 'pause'))
        throw new EngineError('failed_precondition', error.message, { cause: error, subject: containerSubject(id) })
    }
  }
  async #runs(id: string, options: CallOptions): Promise<boolean> {
    const { State } = await inspect(this.#context, id, options)
    return isRunning(State) || State.Paused === true || State.Status === 'paused'
  }
}
