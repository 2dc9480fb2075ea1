// The engine as a whole: what it is, what this machine can do, its history, its repair.
import { cpus, totalmem } from 'node:os'
import type { CallOptions } from '../model/common.js'
import type { Cursor, EngineEvent } from '../model/event.js'
import type { CheckItem, DiskUsage, EngineInfo, RepairReport } from '../model/system.js'
import type { EventsOptions, SystemService } from '../ports/backend/system.js'
import type { EventLog } from '../ports/engine/events.js'
import type { Host } from '../ports/engine/host.js'
import { unsupported } from './unsupported.js'

export interface SystemDeps {
  readonly backend: string
  readonly host: Pick<Host, 'facts' | 'checks'>
  readonly events: EventLog
  readonly runtimes: readonly string[]
  version(options?: CallOptions): Promise<string>
  /** What the room knows beside the host: its daemon, its runtimes. */
  check(options?: CallOptions): Promise<readonly CheckItem[]>
  repair(options?: CallOptions): Promise<RepairReport>
}

export class SystemManager implements SystemService {
  readonly #deps: SystemDeps
  constructor(deps: SystemDeps) {
    this.#deps = deps
  }

  async info(options: CallOptions = {}): Promise<EngineInfo> {
    const { kernel, architecture, cgroups } = await this.#deps.host.facts(options)
    return {
      backend: this.#deps.backend,
      version: await this.#deps.version(options),
      kernel,
      architecture,
      cpus: cpus().length,
      memoryBytes: totalmem(),
      cgroups,
      runtimes: this.#deps.runtimes,
      networkDrivers: [],
      volumeDrivers: [],
      logDrivers: ['file', 'none'],
    }
  }
  async check(options: CallOptions = {}): Promise<readonly CheckItem[]> {
    return [...(await this.#deps.host.checks(options)), ...(await this.#deps.check(options))]
  }
  async diskUsage(): Promise<DiskUsage> {
    throw unsupported('disk_usage', this.#deps.backend)
  }
  events(options: EventsOptions = {}): AsyncIterable<EngineEvent> {
    return readEvents(this.#deps.events, options)
  }
  async updateDaemon(): Promise<void> {
    throw unsupported('daemon_update', this.#deps.backend)
  }
  cursor(options?: CallOptions): Promise<Cursor> {
    return this.#deps.events.end(options)
  }
  repair(options?: CallOptions): Promise<RepairReport> {
    return this.#deps.repair(options)
  }
}

async function* readEvents(log: EventLog, options: EventsOptions): AsyncGenerator<EngineEvent> {
  const { since, follow = true, signal } = options
  const after = since instanceof Date ? undefined : (since ?? (await log.end({ signal })))
  const from = since instanceof Date ? since : undefined
  for await (const event of log.read({ since: after, follow, signal })) {
    if (event.type === 'gap') yield event
    else if ((from === undefined || event.time >= from) && matches(event, options)) yield event
  }
}

function matches(event: EngineEvent, { types, actions, subjects, labels = {} }: EventsOptions): boolean {
  const { id, name } = event.subject
  if (types !== undefined && event.type !== 'gap' && !types.includes(event.type)) return false
  if (actions !== undefined && !actions.includes(event.action)) return false
  if (subjects !== undefined && !subjects.includes(id) && (name === undefined || !subjects.includes(name))) return false
  return Object.entries(labels).every(([key, value]) => event.attributes[key] === value)
}
