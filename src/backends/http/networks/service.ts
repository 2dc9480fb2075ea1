// A daemon forgets which stopped containers a network has, Podman asks whether any are left only sometimes: who is connected is told by the containers.
import * as z from 'zod/mini'
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { EndpointInfo, NetworkInfo, NetworkSpec } from '../../../model/network.js'
import type { PruneReport } from '../../../model/system.js'
import type {
  ConnectOptions,
  DisconnectOptions,
  ListNetworksOptions,
  NetworkService,
  PruneOptions,
} from '../../../ports/backend/networks.js'
import { Rollback } from '../../../util/rollback.js'
import { settled } from '../../../util/settled.js'
import { act } from '../act.js'
import { type HttpContext, requireCapability, unsupported } from '../context.js'
import { apiAtLeast } from '../api-version.js'
import { HttpFailure } from '../errors.js'
import { path } from '../path.js'
import { containerUses, type EndpointAnswer, endpointAnswer } from '../wire/container-use.js'
import {
  endpointOn,
  fromEndpointSpec,
  fromNetworkSpec,
  type NetworkAnswer,
  networkAnswer,
  networkCreated,
  networkList,
  toEndpointInfo,
  toNetworkInfo,
} from '../wire/network.js'
import { parse } from '../wire/parse.js'
import { nullish } from '../wire/values.js'

export class HttpNetworks implements NetworkService {
  readonly #context: HttpContext
  constructor(context: HttpContext) {
    this.#context = context
  }

  async create(spec: NetworkSpec, { signal }: CallOptions = {}): Promise<NetworkInfo> {
    requireCapability(this.#context, 'networks')
    const { calls, dialect, name } = this.#context
    const reserves = spec.ipam?.some(({ reserved = [] }) => reserved.length > 0) === true
    if (reserves && dialect.resources.reservedKey === undefined) throw unsupported(name, '"ipam.reserved" of a network')
    const body = fromNetworkSpec(spec, dialect.resources)
    const subject = { kind: 'network', id: spec.name }
    const answer = await calls.json('POST', '/networks/create', { body, subject, signal })
    // It is there: an abort from here on comes too late.
    return this.get(parse(networkCreated, answer, 'POST /networks/create').Id)
  }
  async get(ref: string, { signal }: CallOptions = {}): Promise<NetworkInfo> {
    requireCapability(this.#context, 'networks')
    const [answer, uses] = await settled([this.#inspect(ref, { signal }), containerUses(this.#context, { signal })])
    return toNetworkInfo(answer, uses, this.#context.dialect.resources)
  }
  async *list({ labels = {}, names, signal }: ListNetworksOptions = {}): AsyncGenerator<NetworkInfo> {
    requireCapability(this.#context, 'networks')
    const { calls, dialect } = this.#context
    const [answer, uses] = await settled([calls.json('GET', '/networks', { signal }), containerUses(this.#context, { signal })])
    for (const one of parse(networkList, answer, 'GET /networks') ?? []) {
      const info = toNetworkInfo(one, uses, dialect.resources)
      const wanted = names === undefined || names.includes(info.name)
      if (wanted && Object.entries(labels).every(([key, value]) => info.labels[key] === value)) yield info
    }
  }
  async connect(ref: string, containerId: string, { signal, ...endpoint }: ConnectOptions = {}): Promise<EndpointInfo> {
    requireCapability(this.#context, 'network_connect')
    this.#refuseFields(endpoint)
    const network = await this.#inspect(ref, { signal })
    const before = await this.#endpoint(network, containerId, { signal })
    if (before.endpoint !== undefined)
      throw new EngineError('already_exists', `container "${containerId}" is connected to network "${network.Name}"`)
    this.#refuseSettings(before.mode, endpoint)
    await using undo = new Rollback(({ step, error }) => {
      this.#context.trace({ kind: 'undo', name: step, error })
    })
    // Podman keeps a connection that failed, and then cannot tell of the container or the network any more.
    undo.defer(`disconnect "${containerId}" from "${network.Name}"`, (cleanup) => this.#cut(network, containerId, true, cleanup))
    await act(this.#context, 'POST', path`/networks/${network.Id}/connect`, {
      body: { Container: containerId, EndpointConfig: fromEndpointSpec(endpoint) },
      subject: { kind: 'network', id: ref },
      signal,
    })
    undo.keep()
    // It is connected: an abort from here on comes too late.
    const { id, endpoint: made } = await this.#endpoint(network, containerId, {})
    return toEndpointInfo(network.Name, id, made ?? {})
  }
  async disconnect(ref: string, containerId: string, { force = false, signal }: DisconnectOptions = {}): Promise<void> {
    requireCapability(this.#context, 'network_connect')
    const network = await this.#inspect(ref, { signal })
    if ((await this.#endpoint(network, containerId, { signal })).endpoint === undefined) return
    await this.#cut(network, containerId, force, { signal })
  }
  async remove(ref: string, { signal }: CallOptions = {}): Promise<void> {
    const { id, name, endpoints } = await this.get(ref, { signal })
    const { predefined, removesNetworksByName } = this.#context.dialect.resources
    if (predefined.includes(name)) throw new EngineError('failed_precondition', `network "${name}" is always there`)
    const [user, ...others] = endpoints
    if (user !== undefined) {
      const more = others.length === 0 ? '' : ` and ${others.length} more`
      throw new EngineError('failed_precondition', `network "${name}" has container "${user.containerId}"${more}: disconnect it first`)
    }
    const subject = { kind: 'network', id: ref }
    await act(this.#context, 'DELETE', path`/networks/${removesNetworksByName ? name : id}`, { subject, signal })
  }
  async prune({ labels, signal }: PruneOptions = {}): Promise<PruneReport> {
    const removed: string[] = []
    for await (const { id, name, endpoints } of this.list({ labels, signal })) {
      if (endpoints.length > 0 || this.#context.dialect.resources.predefined.includes(name)) continue
      try {
        await this.remove(id, { signal })
        removed.push(name)
      } catch (error) {
        // Taken into use, or taken away, in between.
        if (!isEngineError(error, 'failed_precondition') && !isEngineError(error, 'not_found')) throw error
      }
    }
    return { removed, freedBytes: 0 }
  }

  async #cut(network: NetworkAnswer, containerId: string, force: boolean, { signal }: CallOptions): Promise<void> {
    try {
      await act(this.#context, 'POST', path`/networks/${network.Id}/disconnect`, {
        body: { Container: containerId, Force: force },
        subject: { kind: 'network', id: network.Name },
        signal,
      })
    } catch (error) {
      signal?.throwIfAborted()
      // Somebody else was faster, or it never was.
      if (!(isEngineError(error) && error.cause instanceof HttpFailure && /not connected to|not attach to/i.test(error.cause.said)))
        throw error
    }
  }
  async #inspect(ref: string, { signal }: CallOptions): Promise<NetworkAnswer> {
    const answer = await this.#context.calls.json('GET', path`/networks/${ref}`, { subject: { kind: 'network', id: ref }, signal })
    return parse(networkAnswer, answer, 'GET /networks/{id}')
  }
  async #endpoint(
    network: NetworkAnswer,
    containerId: string,
    { signal }: CallOptions,
  ): Promise<{ readonly id: string; readonly endpoint: EndpointAnswer | undefined; readonly mode: string }> {
    const subject = { kind: 'container', id: containerId }
    const answer = await this.#context.calls.json('GET', path`/containers/${containerId}/json`, { subject, signal })
    const { Id, State, NetworkSettings, HostConfig } = parse(inspected, answer, 'GET /containers/{id}/json')
    return {
      id: Id,
      mode: HostConfig?.NetworkMode ?? '',
      endpoint: endpointOn(
        { networks: NetworkSettings?.Networks ?? {}, running: State?.Running === true },
        network,
        this.#context.dialect.resources,
      ),
    }
  }
  /** Of one that came up connected to a network of a user's. */
  #refuseSettings(mode: string, { aliases = [], ipv4, ipv6 }: ConnectOptions): void {
    const { name, dialect } = this.#context
    const { connectsPlainlyOnly, predefined } = dialect.resources
    if (!connectsPlainlyOnly || predefined.includes(mode) || (aliases.length === 0 && ipv4 === undefined && ipv6 === undefined)) return
    throw unsupported(name, `aliases and addresses of a connection of a container that has network "${mode}"`)
  }
  #refuseFields({ bandwidth, sysctls, priority, mac }: ConnectOptions): void {
    const { name, facts, dialect } = this.#context
    const fields = { bandwidth, sysctls, priority: priority === 0 ? undefined : priority }
    for (const [field, value] of Object.entries(fields)) if (value !== undefined) throw unsupported(name, `"${field}" of a connection`)
    // Docker takes it from 1.44 on, and before that ignores it.
    if (mac !== undefined && !dialect.resources.connectsMac && !apiAtLeast(facts.api, 1, 44))
      throw unsupported(name, '"mac" of a connection')
  }
}

const inspected = z.object({
  Id: z.string(),
  State: nullish(z.object({ Running: nullish(z.boolean()) })),
  HostConfig: nullish(z.object({ NetworkMode: nullish(z.string()) })),
  NetworkSettings: nullish(z.object({ Networks: nullish(z.record(z.string(), endpointAnswer)) })),
})
