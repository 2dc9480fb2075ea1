// Output and input of containers.
import { EngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { TerminalSize } from '../model/process.js'
import type { AttachOptions, ContainerStreams } from '../ports/backend/containers.js'
import type { TaskService } from '../ports/engine/tasks.js'
import type { Attachment, LogEntry, LogOptions } from '../ports/streams.js'
import type { ContainerContext } from './container/context.js'
import { storedContainer } from './container/lookup.js'

export interface StreamDeps extends Pick<ContainerContext, 'records'> {
  readonly tasks: Pick<TaskService, 'find' | 'io'>
}

export class ContainerStreamManager implements ContainerStreams {
  readonly #deps: StreamDeps
  constructor(deps: StreamDeps) {
    this.#deps = deps
  }

  async attach(id: string, options: AttachOptions = {}): Promise<Attachment> {
    const { stdin = false, signal } = options
    const { spec } = (await storedContainer(this.#deps, id, { signal })).value
    if (stdin && spec.stdin !== true) throw new EngineError('failed_precondition', `container "${id}" was created without stdin`)
    const task = await this.#deps.tasks.find({ containerId: id }, { signal })
    if (task === undefined || task.status === 'exited') throw new EngineError('failed_precondition', `container "${id}" does not run`)
    return this.#deps.tasks.io.attach({ containerId: id }, { signal })
  }

  async resize(id: string, size: TerminalSize, options: CallOptions = {}): Promise<void> {
    const { spec } = (await storedContainer(this.#deps, id, options)).value
    if (spec.tty !== true) throw new EngineError('failed_precondition', `container "${id}" has no terminal`)
    await this.#deps.tasks.io.resize({ containerId: id }, size, options)
  }

  async *logs(id: string, options: LogOptions = {}): AsyncGenerator<LogEntry> {
    const { log } = (await storedContainer(this.#deps, id, { signal: options.signal })).value
    if (log.driver === 'none') throw new EngineError('unsupported', `container "${id}" keeps no log`)
    yield* this.#deps.tasks.io.logs(log, options)
  }
}
