// A container's root as mounts: the snapshot, or a directory of the host. Root drivers come between here.
import { isAbsolute } from 'node:path'
import { EngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { Host, MountedTree } from '../ports/engine/host.js'
import type { OpenRootOptions, PreparedRoot, RootService } from '../ports/engine/roots.js'
import type { Snapshotter } from '../ports/engine/snapshotter.js'
import type { TaskService } from '../ports/engine/tasks.js'
import { closeable } from '../util/closeable.js'
import type { ContainerContext } from './container/context.js'
import { storedContainer } from './container/lookup.js'

export interface RootDeps extends Pick<ContainerContext, 'records'> {
  readonly snapshotter: Pick<Snapshotter, 'mounts'>
  readonly tasks: Pick<TaskService, 'find'>
  readonly host: Pick<Host, 'mountPrivately' | 'path'>
}

export class Roots implements RootService {
  readonly #deps: RootDeps
  constructor(deps: RootDeps) {
    this.#deps = deps
  }

  async prepare(containerId: string, options: CallOptions = {}): Promise<PreparedRoot> {
    const { root } = (await storedContainer(this.#deps, containerId, options)).value
    if (root.kind === 'snapshot') return { mounts: await this.#deps.snapshotter.mounts(root.key, options), inside: [] }
    if (!isAbsolute(root.path)) throw new EngineError('invalid_argument', `rootfs "${root.path}" is not an absolute path`)
    return { mounts: [{ type: 'bind', source: root.path, options: ['rbind', 'rw'] }], inside: [] }
  }

  async open(containerId: string, options: OpenRootOptions = {}): Promise<MountedTree> {
    const { signal } = options
    const task = await this.#deps.tasks.find({ containerId }, { signal })
    if (task?.pid !== undefined && task.status !== 'exited') {
      return { root: this.#deps.host.path(`/proc/${task.pid}/root`), ...closeable(async () => {}) }
    }
    const { mounts } = await this.prepare(containerId, { signal })
    return this.#deps.host.mountPrivately(mounts, { signal })
  }

  /** There is no root driver yet that left anything. */
  async release(_containerId: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
  }
}
