// The life of containers.
import { isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ContainerSpec } from '../../model/container-spec.js'
import type { ContainerInfo } from '../../model/container.js'
import type { ExitStatus, Signal } from '../../model/process.js'
import { signalNumber } from '../../oci/signals.js'
import type {
  ContainerService,
  ListContainersOptions,
  RemoveOptions,
  StartOptions,
  StopOptions,
  WaitOptions,
} from '../../ports/backend/containers.js'
import type { ImageService } from '../../ports/backend/images.js'
import type { Attachment } from '../../ports/streams.js'
import { type ContainerContext, containerSubject, inspect, toInfo } from './container-context.js'
import { createContainer } from './container-create.js'
import { killContainer, removeContainer, stopContainer } from './container-end.js'
import { restartContainer } from './container-restart.js'
import { listContainers } from './container-list.js'
import { startContainer } from './container-start.js'
import { waitContainer } from './container-wait.js'
import { path } from './path.js'

export class HttpContainers implements ContainerService {
  readonly #context: ContainerContext
  readonly #images: Pick<ImageService, 'get' | 'pull'>
  constructor(context: ContainerContext, images: Pick<ImageService, 'get' | 'pull'>) {
    this.#context = context
    this.#images = images
  }

  create(spec: ContainerSpec, options?: CallOptions): Promise<string> {
    return createContainer({ ...this.#context, images: this.#images }, spec, options)
  }
  async get(ref: string, options?: CallOptions): Promise<ContainerInfo> {
    return toInfo(this.#context, await inspect(this.#context, ref, options))
  }
  list(options?: ListContainersOptions): AsyncIterable<ContainerInfo> {
    return listContainers(this.#context, options)
  }
  async start(id: string, options: StartOptions = {}): Promise<Attachment | undefined> {
    using _turn = await this.#context.verbs.acquire(id, options)
    return await startContainer(this.#context, id, options)
  }
  async stop(id: string, options: StopOptions = {}): Promise<void> {
    using _turn = await this.#context.verbs.acquire(id, options)
    await stopContainer(this.#context, id, options)
  }
  async restart(id: string, options: StopOptions = {}): Promise<void> {
    using _turn = await this.#context.verbs.acquire(id, options)
    await restartContainer(this.#context, id, options)
  }
  async kill(id: string, signal: Signal, options: CallOptions = {}): Promise<void> {
    signalNumber(signal)
    await killContainer(this.#context, id, signal, options)
  }
  wait(id: string, options?: WaitOptions): Promise<ExitStatus> {
    return waitContainer(this.#context, id, options)
  }
  async remove(id: string, options: RemoveOptions = {}): Promise<void> {
    using _turn = await this.#context.verbs.acquire(id, options)
    await removeContainer(this.#context, id, options)
    this.#context.owner.owned.delete(id)
  }
  async rename(id: string, name: string, options: CallOptions = {}): Promise<void> {
    using _turn = await this.#context.verbs.acquire(id, options)
    try {
      await this.#context.calls.json('POST', path`/containers/${id}/rename`, { query: { name }, subject: containerSubject(id), ...options })
    } catch (error) {
      // To itself: some daemons call that taken.
      if (isEngineError(error) && error.code !== 'not_found' && (await this.get(id, options)).name === name) return
      throw error
    }
  }
}
