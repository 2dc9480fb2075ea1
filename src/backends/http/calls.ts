// What the services of this room ask of the connection to a daemon. One class implements it (`transport/channel.ts`), and tests do.
import type { CallOptions, Closeable } from '../../model/common.js'

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
export type QueryValue = string | number | boolean | undefined | readonly string[] | Readonly<Record<string, unknown>>

export interface Exchange extends CallOptions {
  /** Objects go as JSON (filters), booleans as `1` and `0`; a list repeats its name; what is undefined is left out. */
  readonly query?: Readonly<Record<string, QueryValue>> | undefined
  /** A stream goes as it is, with the content type that `headers` say (default `application/x-tar`); anything else as JSON. */
  readonly body?: object | AsyncIterable<Uint8Array> | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** What the exchange is about: named in errors, and their `subject`. */
  readonly subject?: Subject | undefined
  /** Statuses beside 2xx that are no failure, e.g. 304. */
  readonly accept?: readonly number[] | undefined
  /**
   * The daemon may take as long as it likes before it says anything: a wait, a stop, a pull. Without it a GET by `json` that hears nothing for
   * five minutes is `unavailable`. Whatever has a body or is read as a stream is patient anyway.
   */
  readonly patient?: boolean | undefined
  /** Read by `json` and no further: beyond it the answer is `resource_exhausted`. Default 64 MiB; for `lines` the limit of one object, default 16 MiB. */
  readonly maxBytes?: number | undefined
}
export interface Subject {
  readonly kind: string
  readonly id: string
}

export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Headers
  /** Must be read to its end or left (`break`), else the connection stays. Rejects when it is cut short. */
  readonly body: AsyncIterable<Uint8Array>
}
export type Headers = Readonly<Record<string, string | undefined>>

/** A connection that belongs to the process behind it from now on. Closing it cuts it. */
export interface Upgraded extends Closeable {
  readonly headers: Headers
  /** From the first byte after the head. Read once. Ends when the daemon ends its side. */
  readonly output: AsyncIterable<Uint8Array>
  /** Resolves when the connection takes more. `unavailable` when it is lost, `failed_precondition` after `end`. */
  write(bytes: Uint8Array, options?: CallOptions): Promise<void>
  /** Half-close: the other side reads an end of file, and may go on writing. Twice is success. */
  end(options?: CallOptions): Promise<void>
}

/**
 * Paths are made by `path` and have no version: it is put before them. Whatever fails rejects with an EngineError whose code is the
 * daemon's meaning, and `cause` has what it said (`errors.ts`); an abort rejects with the signal's reason.
 */
export interface HttpCalls extends Closeable {
  /** One answer, whole. `undefined` for an empty body and for a status of `accept`. */
  json(method: Method, path: string, exchange?: Exchange): Promise<unknown>
  /** Resolves with the head. */
  bytes(method: Method, path: string, exchange?: Exchange): Promise<Answer>
  /**
   * A stream of JSON values, one after the other with or without newlines between. What is no JSON rejects with `internal` and the
   * line; a stream that is cut rejects with `unavailable`. What the values say (an `errorDetail`) is the caller's to judge.
   */
  lines(method: Method, path: string, exchange?: Exchange): AsyncIterable<unknown>
  /** POST and take the connection over, whether the daemon says 101 or 200. */
  hijack(path: string, exchange?: Exchange): Promise<Upgraded>
}
