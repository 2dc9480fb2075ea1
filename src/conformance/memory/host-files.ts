import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { HostFiles, HostPath } from '../../ports/engine/host-files.js'

/** A host whose files are what a test says. */
export class MemoryHostFiles implements HostFiles {
  readonly paths: Map<string, HostPath & { readonly text?: string | undefined }> = new Map()

  async inspect(path: string, options: CallOptions = {}): Promise<HostPath | undefined> {
    options.signal?.throwIfAborted()
    if (!path.startsWith('/')) throw new EngineError('invalid_argument', `path "${path}" is not absolute`)
    return this.paths.get(path)
  }
  async devices(directory: string, options: CallOptions = {}): Promise<readonly string[]> {
    options.signal?.throwIfAborted()
    return [...this.paths].flatMap(([path, { major }]) => (major !== undefined && path.startsWith(`${directory}/`) ? [path] : []))
  }
  async readText(path: string, options: CallOptions = {}): Promise<string | undefined> {
    options.signal?.throwIfAborted()
    return this.paths.get(path)?.text
  }
  async makeDirectory(path: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    this.paths.set(path, { type: 'directory', mode: 0o755, uid: 0, gid: 0 })
  }
}
