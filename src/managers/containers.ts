// The life of containers: an index of the verbs in `container/`.
import type { CallOptions } from '../model/common.js'
import type { ContainerInfo, ContainerStatus } from '../model/container.js'
import type { ContainerSpec } from '../model/container-spec.js'
import type { ExitStatus, Signal } from '../model/process.js'
import { EngineError } from '../errors.js'
import type {
  ContainerService,
  ListContainersOptions,
  RemoveOptions,
  StartOptions,
  StopOptions,
  WaitOptions,
} from '../ports/backend/containers.js'
import type { EventLog } from '../ports/engine/events.js'
import type { ProcessInfo } from '../ports/engine/tasks.js'
import type { Attachment } from '../ports/streams.js'
import type { ContainerContext } from './container/context.js'
import { createContainer } from './container/create.js'
import { findContainer, storedContainer } from './container/lookup.js'
import type { ContainerRecord } from './container/record.js'
import { removeContainer } from './container/remove.js'
import { renameContainer } from './container/rename.js'
import { startContainer, startLocked } from './container/start.js'
import { toInfo } from './container/state.js'
import { stopContainer, stopLocked } from './container/stop.js'
import { waitContainer } from './container/wait.js'

export class ContainerManager implements ContainerService {
  readonly #context: ContainerContext & { readonly events: EventLog }
  constructor(context: ContainerContext & { readonly events: EventLog }) {
    this.#context = context
  }

  create(spec: ContainerSpec, options?: CallOptions): Promise<string> {
    return createContainer(this.#context, spec, options)
  }
  async get(ref: string, options: CallOptions = {}): Promise<ContainerInfo> {
    const { value } = await findContainer(this.#context, ref, options)
    return toInfo(value, await this.#context.tasks.find({ containerId: value.id }, options))
  }
  async *list(options: ListContainersOptions = {}): AsyncGenerator<ContainerInfo> {
    const { signal } = options
    const tasks = new Map<string, ProcessInfo>()
    for await (const task of this.#context.tasks.list({ signal })) tasks.set(task.ref.containerId, task)
    const status: readonly ContainerStatus[] | undefined = options.status ?? (options.all === true ? undefined : ['running', 'paused'])
    for await (const { value } of this.#context.records.list({ signal })) {
      if (!matches(value, options)) continue
      const info = toInfo(value, tasks.get(value.id))
      if (status === undefined || status.includes(info.state.status)) yield info
    }
  }
  start(id: string, options?: StartOptions): Promise<Attachment | undefined> {
    return startContainer(this.#context, id, options)
  }
  stop(id: string, options?: StopOptions): Promise<void> {
    return stopContainer(this.#context, id, options)
  }
  async restart(id: string, options: StopOptions = {}): Promise<void> {
    await using _lock = await this.#context.lock(id, { signal: options.signal })
    await stopLocked(this.#context, id, options)
    await startLocked(this.#context, id, { signal: options.signal })
  }
  async kill(id: string, signal: Signal, options: CallOptions = {}): Promise<void> {
    const { value } = await storedContainer(this.#context, id, options)
    const task = await this.#context.tasks.find({ containerId: id }, options)
    if (task === undefined || task.status === 'exited') throw new EngineError('failed_precondition', `container "${id}" does not run`)
    await this.#context.tasks.kill({ containerId: id }, signal, options)
    await this.#context.emit('kill', value, { signal })
  }
  wait(id: string, options?: WaitOptions): Promise<ExitStatus> {
    return waitContainer(this.#context, id, options)
  }
  remove(id: string, options?: RemoveOptions): Promise<void> {
    return removeContainer(this.#context, id, options)
  }
  rename(id: string, name: string, options?: CallOptions): Promise<void> {
    return renameContainer(this.#context, id, name, options)
  }
}

function matches({ name, spec, desired }: ContainerRecord, { labels = {}, names }: ListContainersOptions): boolean {
  if (desired === 'removed' || (names !== undefined && !names.includes(name))) return false
  return Object.entries(labels).every(([key, value]) => spec.labels?.[key] === value)
}
