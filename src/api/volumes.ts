import type { CallOptions } from '../model/common.js'
import type { PruneReport } from '../model/system.js'
import type { VolumeInfo, VolumeSpec, VolumeUsage } from '../model/volume.js'
import type { Backend } from '../ports/backend/backend.js'
import type { ListVolumesOptions, PruneVolumesOptions } from '../ports/backend/volumes.js'
import { found } from './found.js'
import { checkInput, checkOptional } from './input/check.js'
import { callOptions, word } from './input/fields.js'
import { listVolumesOptions, pruneVolumesOptions, volumeSpec } from './input/volume.js'

/** A reference to a volume. */
export class Volume {
  readonly name: string
  readonly #backend: Backend
  /** @internal */
  constructor(backend: Backend, name: string) {
    this.#backend = backend
    this.name = name
  }

  async inspect(options?: CallOptions): Promise<VolumeInfo> {
    return this.#backend.volumes.get(this.name, checkOptional(callOptions, options, 'inspect'))
  }
  /** May walk the disk. */
  async usage(options?: CallOptions): Promise<VolumeUsage> {
    return this.#backend.volumes.usage(this.name, checkOptional(callOptions, options, 'usage'))
  }
  /** Named by a container, running or not: `failed_precondition`. */
  async remove(options?: CallOptions): Promise<void> {
    return this.#backend.volumes.remove(this.name, checkOptional(callOptions, options, 'remove'))
  }
}

export class Volumes {
  readonly #backend: Backend
  /** @internal */
  constructor(backend: Backend) {
    this.#backend = backend
  }

  async create(spec: VolumeSpec = {}, options?: CallOptions): Promise<Volume> {
    const { name } = await this.#backend.volumes.create(checkInput(volumeSpec, spec, 'volume'), options)
    return new Volume(this.#backend, name)
  }
  /** Throws `not_found`. */
  async get(name: string, options?: CallOptions): Promise<Volume> {
    const info = await this.#backend.volumes.get(checkInput(word, name, 'volume'), checkOptional(callOptions, options, 'get'))
    return new Volume(this.#backend, info.name)
  }
  /** `undefined` where `get` throws `not_found`. */
  find(name: string, options?: CallOptions): Promise<Volume | undefined> {
    return found(this.get(name, options))
  }
  list(options?: ListVolumesOptions): AsyncIterable<VolumeInfo> {
    return this.#backend.volumes.list(checkOptional(listVolumesOptions, options, 'list'))
  }
  async prune(options?: PruneVolumesOptions): Promise<PruneReport> {
    return this.#backend.volumes.prune(checkOptional(pruneVolumesOptions, options, 'prune'))
  }
}
