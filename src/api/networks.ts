import type { CallOptions } from '../model/common.js'
import type { EndpointInfo, NetworkInfo, NetworkSpec } from '../model/network.js'
import type { PruneReport } from '../model/system.js'
import type { Backend } from '../ports/backend/backend.js'
import type { ConnectOptions, DisconnectOptions, ListNetworksOptions, PruneOptions } from '../ports/backend/networks.js'
import type { Container } from './container.js'
import { found } from './found.js'
import { checkInput, checkOptional } from './input/check.js'
import { callOptions, word } from './input/fields.js'
import { connectOptions, disconnectOptions, listNetworksOptions, networkSpec, pruneNetworksOptions } from './input/network.js'

/** A reference to a network. */
export class Network {
  readonly id: string
  readonly #backend: Backend
  /** @internal */
  constructor(backend: Backend, id: string) {
    this.#backend = backend
    this.id = id
  }

  async inspect(options?: CallOptions): Promise<NetworkInfo> {
    return this.#backend.networks.get(this.id, checkOptional(callOptions, options, 'inspect'))
  }
  /** At once when the container runs, else with its next start. */
  async connect(container: Pick<Container, 'id'>, options?: ConnectOptions): Promise<EndpointInfo> {
    return this.#backend.networks.connect(this.id, container.id, checkOptional(connectOptions, options, 'connect'))
  }
  async disconnect(container: Pick<Container, 'id'>, options?: DisconnectOptions): Promise<void> {
    return this.#backend.networks.disconnect(this.id, container.id, checkOptional(disconnectOptions, options, 'disconnect'))
  }
  async remove(options?: CallOptions): Promise<void> {
    return this.#backend.networks.remove(this.id, checkOptional(callOptions, options, 'remove'))
  }
}

export class Networks {
  readonly #backend: Backend
  /** @internal */
  constructor(backend: Backend) {
    this.#backend = backend
  }

  async create(spec: NetworkSpec, options?: CallOptions): Promise<Network> {
    return this.#network(
      await this.#backend.networks.create(checkInput(networkSpec, spec, 'network'), checkOptional(callOptions, options, 'create')),
    )
  }
  /** `ref` is an id, an unambiguous beginning of one, or a name. Throws `not_found`. */
  async get(ref: string, options?: CallOptions): Promise<Network> {
    return this.#network(await this.#backend.networks.get(checkInput(word, ref, 'network'), checkOptional(callOptions, options, 'get')))
  }
  /** `undefined` where `get` throws `not_found`. */
  find(ref: string, options?: CallOptions): Promise<Network | undefined> {
    return found(this.get(ref, options))
  }
  list(options?: ListNetworksOptions): AsyncIterable<NetworkInfo> {
    return this.#backend.networks.list(checkOptional(listNetworksOptions, options, 'list'))
  }
  async prune(options?: PruneOptions): Promise<PruneReport> {
    return this.#backend.networks.prune(checkOptional(pruneNetworksOptions, options, 'prune'))
  }
  #network({ id }: NetworkInfo): Network {
    return new Network(this.#backend, id)
  }
}
