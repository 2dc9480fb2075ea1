import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { PruneReport } from '../../../model/system.js'
import type { VolumeInfo, VolumeSpec, VolumeUsage } from '../../../model/volume.js'
import type { ListVolumesOptions, PruneVolumesOptions, VolumeService } from '../../../ports/backend/volumes.js'
import { settled } from '../../../util/settled.js'
import { act } from '../act.js'
import { type HttpContext, requireCapability, unsupported } from '../context.js'
import { path } from '../path.js'
import { containerUses } from '../wire/container-use.js'
import { parse } from '../wire/parse.js'
import { isUnnamed, toVolumeInfo, type VolumeAnswer, volumeAnswer, volumeList } from '../wire/volume.js'

/** A directory of the host's is what they call `local`. */
const drivers: Readonly<Record<string, string>> = { directory: 'local' }

export class HttpVolumes implements VolumeService {
  readonly #context: HttpContext
  constructor(context: HttpContext) {
    this.#context = context
  }

  /** Daemons take any driver and any options for a name that is there already, and give what is there. */
  async create({ name, driver = 'directory', labels = {}, options = {} }: VolumeSpec, { signal }: CallOptions = {}): Promise<VolumeInfo> {
    requireCapability(this.#context, 'volumes')
    const wanted = { driver: drivers[driver] ?? driver, options }
    const found = name === undefined ? undefined : await this.#find(name, { signal })
    if (found !== undefined) return sameOrTaken(found, wanted)
    const answer = await this.#context.calls.json('POST', '/volumes/create', {
      body: { Name: name, Driver: wanted.driver, DriverOpts: options, Labels: labels },
      subject: { kind: 'volume', id: name ?? '(unnamed)' },
      signal,
    })
    const created = parse(volumeAnswer, answer, 'POST /volumes/create')
    // Somebody may have been faster with another one. It is there: an abort from here on comes too late.
    return sameOrTaken(await this.get(created.Name), wanted)
  }
  async get(name: string, { signal }: CallOptions = {}): Promise<VolumeInfo> {
    requireCapability(this.#context, 'volumes')
    const subject = { kind: 'volume', id: name }
    const [answer, uses] = await settled([
      this.#context.calls.json('GET', path`/volumes/${name}`, { subject, signal }),
      containerUses(this.#context, { signal }),
    ])
    const volume = parse(volumeAnswer, answer, 'GET /volumes/{name}')
    // Podman takes the beginning of a name as well.
    if (volume.Name !== name) throw new EngineError('not_found', `volume "${name}" is not there`, { subject })
    return toVolumeInfo(volume, uses)
  }
  async *list({ labels = {}, names, signal }: ListVolumesOptions = {}): AsyncGenerator<VolumeInfo> {
    requireCapability(this.#context, 'volumes')
    const [answer, uses] = await settled([
      this.#context.calls.json('GET', '/volumes', { signal }),
      containerUses(this.#context, { signal }),
    ])
    for (const volume of parse(volumeList, answer, 'GET /volumes').Volumes ?? []) {
      const info = toVolumeInfo(volume, uses)
      const wanted = names === undefined || names.includes(info.name)
      if (wanted && Object.entries(labels).every(([key, value]) => info.labels[key] === value)) yield info
    }
  }
  async usage(name: string, { signal }: CallOptions = {}): Promise<VolumeUsage> {
    requireCapability(this.#context, 'volume_usage')
    await this.get(name, { signal })
    const size = (await this.#sizes({ signal })).get(name)
    if (size === undefined) throw unsupported(this.#context.name, `usage of volume "${name}": its driver does not tell`)
    return { usedBytes: size }
  }
  async remove(name: string, { signal }: CallOptions = {}): Promise<void> {
    const { usedBy } = await this.get(name, { signal })
    const [user, ...others] = usedBy
    if (user !== undefined) {
      const more = others.length === 0 ? '' : ` and ${others.length} more`
      throw new EngineError('failed_precondition', `volume "${name}" is used by container "${user}"${more}`)
    }
    await act(this.#context, 'DELETE', path`/volumes/${name}`, { subject: { kind: 'volume', id: name }, signal })
  }
  /** Which ones is decided here: before 1.42 Docker takes those with names, too, and Podman always does. */
  async prune({ all = false, labels, signal }: PruneVolumesOptions = {}): Promise<PruneReport> {
    requireCapability(this.#context, 'volumes')
    const sizes = this.#context.supports('volume_usage') ? await this.#sizes({ signal }) : new Map<string, number>()
    const removed: string[] = []
    let freedBytes = 0
    for await (const volume of this.list({ labels, signal })) {
      if (volume.usedBy.length > 0 || !(all || isUnnamed(volume))) continue
      try {
        await this.remove(volume.name, { signal })
      } catch (error) {
        // Taken into use, or taken away, in between.
        if (isEngineError(error, 'failed_precondition') || isEngineError(error, 'not_found')) continue
        throw error
      }
      removed.push(volume.name)
      freedBytes += sizes.get(volume.name) ?? 0
    }
    return { removed, freedBytes }
  }

  async #find(name: string, options: CallOptions): Promise<VolumeInfo | undefined> {
    try {
      return await this.get(name, options)
    } catch (error) {
      if (isEngineError(error, 'not_found')) return undefined
      throw error
    }
  }
  async #sizes({ signal }: CallOptions): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#context.calls.json('GET', '/system/df', { query: { type: 'volume' }, patient: true, signal })
    const volumes: readonly VolumeAnswer[] = parse(volumeList, answer, 'GET /system/df').Volumes ?? []
    return new Map(
      volumes.flatMap(({ Name, UsageData }): [string, number][] => {
        const size = UsageData?.Size ?? -1
        return size < 0 ? [] : [[Name, size]]
      }),
    )
  }
}

function sameOrTaken(found: VolumeInfo, wanted: Pick<VolumeInfo, 'driver' | 'options'>): VolumeInfo {
  const same = (left: VolumeInfo['options'], right: VolumeInfo['options']): boolean =>
    Object.keys(left).length === Object.keys(right).length && Object.entries(left).every(([key, value]) => right[key] === value)
  if (found.driver === wanted.driver && same(found.options, wanted.options)) return found
  throw new EngineError('already_exists', `volume "${found.name}" is there, with another driver or other options`)
}
