// The `pouch-sdk/http` entry: pouchd, Docker and Podman over their HTTP API.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { Trace } from '../../model/trace.js'
import type { Backend } from '../../ports/backend/backend.js'

/** PEM texts. `cert` and `key` are this client's own, both or none. */
export interface TlsOptions {
  /** Trusted instead of the system's. */
  readonly ca?: string | Uint8Array | undefined
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | undefined
}
/** A socket of this machine, or the URL of another: `tcp:`, `http:`, `https:`, `ssh:` or `npipe:`. */
export type ConnectHttpOptions = CallOptions & { readonly onTrace?: Trace | undefined } & (
    | { readonly socketPath: string; readonly url?: undefined; readonly tls?: undefined }
    | { readonly url: string; readonly socketPath?: undefined; readonly tls?: TlsOptions | undefined }
  )

/** Not part of this version: always `unsupported`. */
export async function connectHttp(options: ConnectHttpOptions): Promise<Backend> {
  options.signal?.throwIfAborted()
  throw new EngineError('unsupported', 'the http backend (pouchd, Docker, Podman) is not part of this version: use containerd')
}
