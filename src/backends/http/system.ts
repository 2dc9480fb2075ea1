// What the daemon says of itself and of what happens in it.
import type { CallOptions } from '../../model/common.js'
import type { Cursor, EngineEvent } from '../../model/event.js'
import type { CheckItem, DaemonChange, DiskUsage, EngineInfo, RepairReport } from '../../model/system.js'
import type { EventsOptions, SystemService } from '../../ports/backend/system.js'
import type { ContainerContext } from './container-context.js'
import { requireCapability } from './context.js'
import { formatApiVersion } from './api-version.js'
import { diskUsage } from './disk-usage.js'
import { engineEvents, eventCursor } from './events.js'
import { repairContainers } from './repair.js'
import { parse } from './wire/parse.js'
import { type InfoAnswer, infoAnswer, toChecks, toEngineInfo } from './wire/system.js'

export class HttpSystem implements SystemService {
  readonly #context: ContainerContext
  constructor(context: ContainerContext) {
    this.#context = context
  }

  async info(options?: CallOptions): Promise<EngineInfo> {
    const { facts, name } = this.#context
    const { version, api } = facts
    return { backend: name, version, apiVersion: formatApiVersion(api), ...toEngineInfo(await this.#ask(options)) }
  }
  async check(options?: CallOptions): Promise<readonly CheckItem[]> {
    const { dialect, facts, name } = this.#context
    const info = await this.#ask(options)
    const spoken = formatApiVersion(facts.api)
    return [
      { name, answer: 'yes', why: `version ${facts.version} answers, in version ${spoken} of its API` },
      ...toChecks(info),
      ...(dialect.checks?.(facts) ?? []),
    ]
  }
  diskUsage(options?: CallOptions): Promise<DiskUsage> {
    return diskUsage(this.#context, options)
  }
  async updateDaemon({ labels = {} }: DaemonChange, options?: CallOptions): Promise<void> {
    const { calls } = this.#context
    requireCapability(this.#context, 'daemon_update')
    const Labels = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
    if (Labels.length === 0) return
    // The proxy is always overwritten, and with nothing if nothing is said.
    const { HttpProxy } = parse(infoAnswer, await calls.json('GET', '/info', { ...options }), 'GET /info')
    await calls.json('POST', '/daemon/update', { ...options, body: { Labels, ImageProxy: HttpProxy ?? '' } })
  }
  events(options?: EventsOptions): AsyncIterable<EngineEvent> {
    return engineEvents(this.#context, options)
  }
  cursor(options?: CallOptions): Promise<Cursor> {
    return eventCursor(this.#context, options)
  }
  repair(options?: CallOptions): Promise<RepairReport> {
    return repairContainers(this.#context, options)
  }

  async #ask(options: CallOptions = {}): Promise<InfoAnswer> {
    return parse(infoAnswer, await this.#context.calls.json('GET', '/info', { signal: options.signal }), 'GET /info')
  }
}
