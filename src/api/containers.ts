import { EngineError, isEngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { ContainerSpec } from '../model/container-spec.js'
import type { Backend } from '../ports/backend/backend.js'
import type { ListContainersOptions } from '../ports/backend/containers.js'
import { closeable } from '../util/closeable.js'
import type { CommandResult, RunOptions } from './command.js'
import { Container, ListedContainer, OwnedContainer } from './container.js'
import { found } from './found.js'
import { checkInput, checkOptional } from './input/check.js'
import { runOptions } from './input/command.js'
import { listContainersOptions } from './input/container-options.js'
import { containerSpec } from './input/container-spec.js'
import { callOptions, word } from './input/fields.js'
import { removeOwned } from './owned.js'
import { ownedSpec, runContainer } from './run-container.js'

export class Containers {
  readonly #backend: Backend
  /** @internal */
  constructor(backend: Backend) {
    this.#backend = backend
  }

  /**
   * A detached container, unless `lifetime` says otherwise: it outlives this process. Nothing runs yet. Throws `not_found` where the image is not here and
   * `pull` does not say that it may be pulled.
   */
  async create(spec: ContainerSpec, options?: CallOptions): Promise<Container> {
    const checked = checkInput(containerSpec, spec, 'container')
    return new Container(this.#backend, await this.#create(checked, checkOptional(callOptions, options, 'create')))
  }
  /** One that is removed at the end of its block, or else with this process. */
  async createOwned(spec: ContainerSpec, options?: CallOptions): Promise<OwnedContainer> {
    const checked = ownedSpec(checkInput(containerSpec, spec, 'container'))
    const id = await this.#create(checked, checkOptional(callOptions, options, 'createOwned'))
    const { close } = closeable(() => removeOwned(this.#backend, id))
    return new OwnedContainer(this.#backend, id, close)
  }
  /**
   * Pulls the image if it is missing, runs the container to its end, and removes it, however this settles; where the engine is closed meanwhile, by the end of that,
   * and where an abort meets a daemon that hangs, with the engine or by `repair`.
   * Resolves with the exit code, whatever it is. A command not found or not executable rejects with `failed_precondition` and `exitCode` 127 or 126.
   */
  async run(spec: ContainerSpec, options: RunOptions = {}): Promise<CommandResult> {
    return runContainer(this.#backend, checkInput(containerSpec, spec, 'container'), checkInput(runOptions, options, 'run'))
  }
  /** `ref` is an id, an unambiguous beginning of one, or a name. Throws `not_found`. */
  async get(ref: string, options?: CallOptions): Promise<Container> {
    const { id } = await this.#backend.containers.get(checkInput(word, ref, 'container'), checkOptional(callOptions, options, 'get'))
    return new Container(this.#backend, id)
  }
  /** `undefined` where `get` throws `not_found`. */
  find(ref: string, options?: CallOptions): Promise<Container | undefined> {
    return found(this.get(ref, options))
  }
  async *list(options?: ListContainersOptions): AsyncGenerator<ListedContainer, void, undefined> {
    const listed = this.#backend.containers.list(checkOptional(listContainersOptions, options, 'list'))
    for await (const info of listed) yield new ListedContainer(this.#backend, info)
  }
  async #create(spec: ContainerSpec, options?: CallOptions): Promise<string> {
    try {
      return await this.#backend.containers.create(spec, options)
    } catch (error) {
      if (spec.pull !== undefined || !isEngineError(error, 'not_found') || error.subject?.kind !== 'image') throw error
      const { message, subject } = error
      throw new EngineError('not_found', `${message}: pull it first, or say pull: 'missing'`, { cause: error, subject })
    }
  }
}
