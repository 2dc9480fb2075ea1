// Connections to the shims of a root: one for each run that is asked about.
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { EngineError } from '../../../errors.js'
import { hasErrno } from '../../../util/fs-error.js'
import { named } from '../../host/tasks/context.js'
import type { TaskFiles, TaskState } from '../../host/tasks/task-files.js'
import { ShimTask } from '../shim/task-api.js'
import { TtrpcClient } from '../shim/ttrpc.js'

/** What a socket says whose shim is not there, or not yet. */
const absent = ['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'ECONNRESET']

export class ShimClients {
  readonly #files: TaskFiles
  readonly #clients: Map<string, Promise<TtrpcClient>> = new Map()

  constructor(files: TaskFiles) {
    this.#files = files
  }
  /** `undefined`: its shim is not there. */
  async present(state: TaskState): Promise<ShimTask | undefined> {
    const client = await this.#client(state)
    return client && new ShimTask(client, { id: state.wireId, execId: state.execId })
  }
  async task(state: TaskState): Promise<ShimTask> {
    const task = await this.present(state)
    if (task === undefined) throw new EngineError('not_found', `the shim of ${named(state)} is gone`)
    return task
  }
  forget({ wireId }: TaskState): void {
    const client = this.#clients.get(wireId)
    this.#clients.delete(wireId)
    client?.then(
      (open) => {
        open.close()
      },
      () => {},
    )
  }
  close(): void {
    for (const wireId of this.#clients.keys()) this.forget({ wireId } as TaskState)
  }

  async #client(state: TaskState): Promise<TtrpcClient | undefined> {
    const present = await this.#clients.get(state.wireId)?.catch(() => undefined)
    if (present !== undefined && !present.closed) return present
    const connecting = connectIn(this.#files.of({ containerId: state.containerId }).directory, socketName(state))
    this.#clients.set(state.wireId, connecting)
    try {
      return await connecting
    } catch (error) {
      if (this.#clients.get(state.wireId) === connecting) this.#clients.delete(state.wireId)
      if (absent.some((code) => hasErrno(error, code))) return undefined
      throw error
    }
  }
}

/** Another for each run: whoever is late about one cannot reach the shim of the next. */
export function socketName({ wireId }: Pick<TaskState, 'wireId'>): string {
  return `shim-${wireId.slice(wireId.lastIndexOf('-') + 1)}`
}
/** By way of a descriptor: a socket's path may have 107 bytes, a root's may have more. */
async function connectIn(directory: string, name: string): Promise<TtrpcClient> {
  let place: FileHandle | undefined
  try {
    place = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
    return await TtrpcClient.connect(`/proc/self/fd/${place.fd}/${name}`)
  } finally {
    await place?.close()
  }
}
