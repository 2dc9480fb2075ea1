import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ContainerDirectories } from '../../ports/engine/directories.js'

export class MemoryDirectories implements ContainerDirectories {
  /** By container id, then by name: what was written. */
  readonly files: Map<string, Map<string, string>> = new Map()

  path(containerId: string): string {
    if (!/^[\w-][\w.-]*$/.test(containerId)) throw new EngineError('invalid_argument', `"${containerId}" is not a container's id`)
    return `/memory/containers/${containerId}`
  }
  async write(containerId: string, name: string, text: string, options: CallOptions = {}): Promise<string> {
    options.signal?.throwIfAborted()
    const path = `${this.path(containerId)}/${name}`
    if (name.split('/').some((part) => part === '' || part === '.' || part === '..')) {
      throw new EngineError('invalid_argument', `"${name}" is not a name within a container's directory`)
    }
    const files = this.files.get(containerId) ?? new Map<string, string>()
    this.files.set(containerId, files.set(name, text))
    return path
  }
  async remove(containerId: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    this.path(containerId)
    this.files.delete(containerId)
  }
  async *list(options: CallOptions = {}): AsyncGenerator<string> {
    options.signal?.throwIfAborted()
    yield* [...this.files.keys()]
  }
}
