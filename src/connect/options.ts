import type { ContainerdOptions } from '../backends/containerd/connect.js'
import type { TlsOptions } from '../backends/http/connect.js'
import type { CallOptions } from '../model/common.js'
import type { Trace } from '../model/trace.js'

export interface EngineOptions extends CallOptions {
  /** An absolute path: where this engine keeps records, logs and locks. Default `/var/lib/pouch-sdk`. Daemons that have an engine of their own know none. */
  readonly root?: string | undefined
  /** For `tcp:` and `https:` URLs. */
  readonly tls?: TlsOptions | undefined
  /** How to reach registries, where the engine itself does. */
  readonly registries?: ContainerdOptions['registries']
  /** Told of every call to a daemon, and of what `repair` and undos did. */
  readonly onTrace?: Trace | undefined
}
