// How daemons of one family differ from the others: data and pure functions. No service asks which daemon it talks to.
import type { ErrorCode } from '../../errors.js'
import type { Capability } from '../../ports/backend/backend.js'
import type { ContainerSpec, RichSpec } from '../../model/container-spec.js'
import type { CheckItem } from '../../model/system.js'
import type { ContainerChange } from '../../model/container.js'
import type { ApiVersion } from './api-version.js'
import type { Headers } from './calls.js'
import type { ResourceDialect } from './resource-dialect.js'
import type { CreateBody, Json } from './wire/create-body.js'
import type { FieldTable } from './wire/spec-fields.js'

/** How a daemon introduced itself. */
export interface Greeting {
  /** Of the answer to `GET /_ping`. */
  readonly ping: Headers
  /** The bodies of `GET /version` and `GET /info`. */
  readonly version: Readonly<Record<string, unknown>>
  readonly info: Readonly<Record<string, unknown>>
}
/** What is known of it from then on. */
export interface DaemonFacts {
  /** Of the daemon, e.g. `20.10.24`. */
  readonly version: string
  /** The one that is spoken with it, negotiated. */
  readonly api: ApiVersion
  /** The body of `GET /version` and of `GET /info`, as they came. */
  readonly versionAnswer: Readonly<Record<string, unknown>>
  readonly info: Readonly<Record<string, unknown>>
}

/** Matched against a failed answer, first match wins; before the table by status that all daemons share. */
export interface ErrorRule {
  /** Absent: any. */
  readonly status?: number | undefined
  /** Of the request, e.g. `POST` and `/containers/ab12/start` without the version. Absent: any. */
  readonly request?: RegExp | undefined
  /** Of the daemon's message. Absent: any, the empty one too. */
  readonly message?: RegExp | undefined
  readonly code: ErrorCode
  /** Of a command that could not be run: 126 or 127. */
  readonly exitCode?: number | undefined
}

/** How the verbs of containers are said. */
export interface ContainerWays {
  /**
   * `conditions`: `POST wait` takes one and answers its head at once, so that no end is missed. `plain`: it waits while the container runs,
   * and whatever else is waited for is asked again and again.
   */
  readonly wait: 'conditions' | 'plain'
  /** `signals`: by `kill` and `wait`, so that an abort leaves it running and a grace has milliseconds. `daemon`: `POST
   * stop`, which begins with SIGTERM, whatever the container's own signal is.
   */
  stop(facts: DaemonFacts, policy: { readonly restarts: boolean }): 'signals' | 'daemon'
  /** One that is paused takes signals, and hears them then or when it goes on. */
  readonly signalsPaused: boolean
  /** What a stop is told for the shortest grace: one that takes 0 for its default has another. */
  readonly shortestStopSeconds: number
  /**
   * `POST restart` does what is promised with a grace of whole seconds: then it is one act, which the daemon finishes whatever becomes of
   * us. Else a restart is a stop and a start.
   */
  readonly restarts: boolean
  /** The status of what somebody stopped, where one that ended by itself has another, and its restart policy starts it without a sign. */
  readonly stoppedStatus?: string | undefined
  /** What a removal by force does first to a container that runs: `stops` is with the whole grace. */
  readonly forcedRemoval: 'kills' | 'stops'
  /** Without a terminal both streams come in frames; `raw`: as one. */
  readonly attach: 'frames' | 'raw'
  /** A container reads the end of its stdin as soon as one of the attachments to it is cut, also of one without stdin. */
  readonly cutEndsStdin: boolean
  /** What the daemon itself says at the end of a stream of errors that it has lost, as if the process had. */
  readonly attachFailure?: RegExp | undefined
  /** How the output of an exec begins that could not be run, and what it would have exited with. */
  readonly execRefusals: readonly { readonly pattern: RegExp; readonly exitCode: 126 | 127 }[]
  /** `GET /containers/json` takes labels to look for, by the rules of Docker. */
  readonly filtersLabels: boolean
  /** The plain list has those that are paused, too. */
  readonly listsPaused: boolean
  /** Notices the end of an exec that nobody is attached to. */
  readonly watchesExecs: boolean
  /** A history that ends is cut off at once at its end, so that its last events are told only when that is so much later. */
  readonly historyLagMs: number
  /** After an end is told the last of what was said comes into the log, for so long. */
  readonly logsLagMs: number
  /** So many events are kept, and older ones are gone. Absent: all of them are. */
  readonly keepsEvents?: number | undefined
  /**
   * What the history says when all is done that follows an end: till then the streams of a new run would go where the old one's went,
   * and nothing tells whether the restart policy starts it again. Absent: an end that is told is settled.
   */
  readonly settledBy?: readonly string[] | undefined
  /** That a container was not out of memory is true when it is told, unless SIGKILL ended it, not only that it was. */
  readonly tellsInMemory: boolean
  /** One that is about to be started again by its restart policy is told from one that is not. */
  readonly tellsRestarts: boolean
  /** Of `rich` containers: the programs that may be process 1, by mode. Absent: nobody looks. */
  readonly richInits?: Readonly<Partial<Record<RichSpec['mode'], readonly string[]>>> | undefined
  /** Networks that can be named when a container is made. */
  networksAtCreate(api: ApiVersion): number
  /** What `POST create` says beyond the fields that all daemons share. */
  extendBody?(body: CreateBody, spec: ContainerSpec): CreateBody
  /** The bodies of `POST update`, one after the other; absent: the one. */
  extendUpdate?(body: Json, change: ContainerChange): readonly Json[]
  /** Throws for what it would take and do nothing with, where `fields` cannot tell. */
  refuseSpec?(spec: ContainerSpec, facts: DaemonFacts): void
  refuseChange?(change: ContainerChange): void
  /** The query of `POST create` beside `name` and `platform`. */
  createQuery?(spec: ContainerSpec): Readonly<Record<string, string>>
  /** One sample of `GET stats` without waiting for a second one: `one-shot`. */
  oneShotStats(api: ApiVersion): boolean
  /** Arguments for `ps` of `GET top`; absent: the daemon's own columns. */
  readonly topArguments?: string | undefined
}

export interface Dialect {
  /** Also the backend's name: `docker`, `podman`, `pouchd`. */
  readonly name: string
  /** By what a daemon says of itself, never by where it listens. */
  isSpokenBy(greeting: Greeting): boolean
  /** Put before each path, e.g. `/v1.41`; empty where the daemon has no versions. */
  prefix(api: ApiVersion): string
  readonly errors: readonly ErrorRule[]
  /** Of images, files, networks and volumes. */
  readonly resources: ResourceDialect
  /** Parts of a container's spec, below what capabilities tell, that it honours. */
  readonly fields: FieldTable
  readonly containers: ContainerWays
  /** What this daemon can do of what this room implements. Capabilities only by facts that it told, or by a table with its source. */
  capabilities(facts: DaemonFacts): readonly Capability[]
  /** Why it can or cannot, where that is the machine's doing: a part of `system.check`. */
  checks?(facts: DaemonFacts): readonly CheckItem[]
}
