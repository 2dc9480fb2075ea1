// Where a daemon is, and how one connection to it is opened.
import type { Duplex } from 'node:stream'
import type { CallOptions } from '../../../model/common.js'

export interface Endpoint {
  /** For messages: never has a password. */
  readonly name: string
  /** For the `Host` header. */
  readonly host: string
  /** A connection costs so much that calls share what is there. */
  readonly costly: boolean
  /** How long a connection without work is kept. */
  readonly keepAliveMs: number
  /** May be half-closed: `end` ends our side only. Rejects with the system's own error. */
  open(options?: CallOptions): Promise<Duplex>
  /** What was started for it beside its connections. */
  close(): Promise<void>
}
