// The `pouch-sdk/local` entry: no daemon at all.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { Trace } from '../../model/trace.js'
import type { Backend } from '../../ports/backend/backend.js'
import type { Runtime } from '../../ports/drivers/runtime.js'
import type { RegistryOptions } from '../../registry/options.js'

export type { RegistryHostOptions, RegistryOptions } from '../../registry/options.js'

export interface OpenLocalOptions extends CallOptions {
  /** An absolute path: where everything of this engine is. */
  readonly root: string
  /** By the name that containers ask for. */
  readonly runtimes?: Readonly<Record<string, Runtime>> | undefined
  readonly registries?: RegistryOptions | undefined
  readonly onTrace?: Trace | undefined
}

/** Not part of this version: always `unsupported`. */
export async function openLocal(options: OpenLocalOptions): Promise<Backend> {
  options.signal?.throwIfAborted()
  throw new EngineError(
    'unsupported',
    'the local backend is not part of this version: use containerd, or an embedded one with "startContainerd"',
  )
}
