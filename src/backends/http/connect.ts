// The `pouch-sdk/http` entry: pouchd, Docker and Podman over their HTTP API.
import type { CallOptions } from '../../model/common.js'
import type { Trace } from '../../model/trace.js'
import type { Backend } from '../../ports/backend/backend.js'
import { within } from '../../util/abort.js'
import { closeable } from '../../util/closeable.js'
import { checkKeys } from '../../util/known-keys.js'
import { KeyedMutex } from '../../util/keyed-mutex.js'
import { EngineError } from '../../errors.js'
import { httpBackend } from './backend.js'
import type { ContainerContext } from './container-context.js'
import { meet } from './detect.js'
import { Owner } from './owner.js'
import { removeOwned, repairContainers } from './repair.js'
import { SentSignals } from './signals.js'
import { toEndpoint } from './transport/target.js'

/** PEM texts. `cert` and `key` are this client's own, both or none. */
export interface TlsOptions {
  /** Trusted instead of the system's. */
  readonly ca?: string | Uint8Array | undefined
  readonly cert?: string | Uint8Array | undefined
  readonly key?: string | Uint8Array | undefined
  /** Default true: a host that cannot prove who it is is refused. */
  readonly verify?: boolean | undefined
}
/** A socket of this machine, or the URL of another: `tcp:`, `http:`, `https:`, `ssh:` or `npipe:`. */
export type ConnectHttpOptions = CallOptions & { readonly onTrace?: Trace | undefined } & (
    | { readonly socketPath: string; readonly url?: undefined; readonly tls?: undefined }
    | { readonly url: string; readonly socketPath?: undefined; readonly tls?: TlsOptions | undefined }
  )

const known = { socketPath: true, url: true, tls: true, onTrace: true, signal: true } as const

/** Someone who takes a connection and never answers. */
const greetingMs = 30_000

/**
 * Finds out who answers there, Docker, Podman or pouchd, and resolves when what killed owners left has been removed. Throws
 * `unavailable` when nobody answers, `permission_denied` when the socket may not be used, `unsupported` when it is none of these.
 */
export async function connectHttp(options: ConnectHttpOptions): Promise<Backend> {
  checkKeys('connectHttp', options, known)
  const { signal, onTrace } = options
  signal?.throwIfAborted()
  const endpoint = toEndpoint(options)
  // Most of the time that this entry would take to load is undici's.
  const { Channel } = await import('./transport/channel.js')
  signal?.throwIfAborted()
  const channel = new Channel({ endpoint, onTrace })
  try {
    const met = await within(greetingMs, (call) => meet(channel, call), { signal })
    if (met === undefined)
      throw new EngineError('unavailable', `"${endpoint.name}" does not answer within ${greetingMs} ms`, { retryable: true })
    const { dialect, facts } = met
    channel.adopt({ prefix: dialect.prefix(facts.api), rules: dialect.errors })
    const capabilities = new Set(dialect.capabilities(facts))
    const context: ContainerContext = {
      calls: channel,
      dialect,
      facts,
      name: dialect.name,
      signals: new SentSignals(),
      verbs: new KeyedMutex(),
      owner: new Owner(),
      supports: (capability) => capabilities.has(capability),
      trace(entry) {
        try {
          onTrace?.(entry)
        } catch {
          /* a tracer's own bug is nobody's failure */
        }
      },
    }
    const closing = closeable(async () => {
      await removeOwned(context)
      await channel.close()
    })
    await repairAtOpening(context, { signal })
    return httpBackend(context, closing)
  } catch (error) {
    await channel.close()
    throw error
  }
}

/** What could not be put right is traced, and found again by the next one. */
async function repairAtOpening(context: ContainerContext, options: CallOptions): Promise<void> {
  const { repaired, failed } = await repairContainers(context, options)
  for (const name of repaired) context.trace({ kind: 'repair', name })
  for (const { what, error } of failed) context.trace({ kind: 'undo', name: `repair of ${what}`, error })
}
