// What the daemon says of itself and of what happens in it.
import type { CallOptions } from '../../model/common.js'
import type { Cursor, EngineEvent } from '../../model/event.js'
import type { CheckItem, DaemonChange, DiskUsage, EngineInfo, RepairReport } from '../../model/system.js'
import type { EventsOptions, SystemService } from '../../ports/backend/system.js'
import { type HttpContext, requireCapability } from './context.js'
import { formatApiVersion } from './dialect.js'
import { diskUsage } from './disk-usage.js'
import { pending } from './pending.js'
import { parse } from './wire/parse.js'
import { infoAnswer, toEngineInfo } from './wire/system.js'

export class HttpSystem implements SystemService {
  readonly #context: HttpContext
  readonly #later: SystemService
  constructor(context: HttpContext) {
    this.#context = context
    this.#later = pending(context, 'system', ['events'])
  }

  async info(options?: CallOptions): Promise<EngineInfo> {
    const { calls, facts, name } = this.#context
    const { version, api } = facts
    const told = toEngineInfo(parse(infoAnswer, await calls.json('GET', '/info', { ...options }), 'GET /info'))
    return { backend: name, version, apiVersion: formatApiVersion(api), ...told }
  }
  check(options?: CallOptions): Promise<readonly CheckItem[]> {
    return this.#later.check(options)
  }
  async diskUsage(options?: CallOptions): Promise<DiskUsage> {
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
    return this.#later.events(options)
  }
  cursor(options?: CallOptions): Promise<Cursor> {
    return this.#later.cursor(options)
  }
  repair(options?: CallOptions): Promise<RepairReport> {
    return this.#later.repair(options)
  }
}
