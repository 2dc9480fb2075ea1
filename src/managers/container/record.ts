// The stored shape of a container: wishes and exits, never what can be asked. Schema and upgrades stand here, too.
import * as z from 'zod/mini'
import { EngineError } from '../../errors.js'
import type { Digest, DriverState } from '../../model/common.js'
import type { ContainerSpec } from '../../model/container-spec.js'
import type { ExitStatus, RuntimeRef } from '../../model/process.js'
import type { LogPlan } from '../../ports/engine/tasks.js'

export interface ContainerRecord {
  readonly version: 1
  readonly id: string
  readonly name: string
  readonly createdAt: Date
  /** With what the image and the defaults filled in. */
  readonly spec: ContainerSpec
  /** The digest of the image's config; absent when the root is a directory. */
  readonly imageId?: Digest | undefined
  readonly runtime: RuntimeRef
  readonly log: LogPlan
  readonly root: RootRecord
  /** Shared with others in a pod or by `networkMode: { container }`. */
  readonly sandboxId: string
  /** The engine that it ends with: whoever holds the lock `owner/<this>`. Absent: it is detached. */
  readonly owner?: string | undefined
  /** What the user last asked for. What is true is asked of the task service. */
  readonly desired: 'running' | 'stopped' | 'removed'
  /** Of the last start, with the boot that it happened in. Absent: it never ran. */
  readonly started?: StartedRecord | undefined
  /** Of the run before the last start, or of the last when its task is gone. */
  readonly lastExit?: ExitStatus | undefined
  /** By the restart policy, since the last start that somebody asked for. */
  readonly restartCount: number
}
export interface StartedRecord {
  readonly at: Date
  readonly bootId: string
}
export type RootRecord =
  | {
      readonly kind: 'snapshot'
      readonly snapshotter: string
      readonly key: string
      readonly parent?: string | undefined
      readonly layers: readonly RootLayerRecord[]
    }
  | { readonly kind: 'directory'; readonly path: string; readonly layers: readonly RootLayerRecord[] }
/** One root driver over it, in order. Stored before `prepare`, so `state` may be missing. */
export interface RootLayerRecord {
  readonly driver: string
  readonly state?: DriverState | undefined
}

/** Who has a name. Made before the container's record and taken away before it. */
export interface NameRecord {
  readonly version: 1
  readonly name: string
  readonly containerId: string
}

const date = z.pipe(
  z.string(),
  z.transform((text: string) => new Date(text)),
)
const layers = z.array(z.looseObject({ driver: z.string() }))
const containerRecord = z.looseObject({
  version: z.literal(1),
  id: z.string(),
  name: z.string(),
  createdAt: date,
  spec: z.looseObject({}),
  runtime: z.looseObject({ name: z.string() }),
  log: z.looseObject({ driver: z.string(), options: z.looseObject({}), directory: z.string() }),
  root: z.discriminatedUnion('kind', [
    z.looseObject({ kind: z.literal('snapshot'), snapshotter: z.string(), key: z.string(), layers }),
    z.looseObject({ kind: z.literal('directory'), path: z.string(), layers }),
  ]),
  sandboxId: z.string(),
  desired: z.enum(['running', 'stopped', 'removed']),
  started: z.optional(z.looseObject({ at: date, bootId: z.string() })),
  lastExit: z.optional(z.looseObject({ exitCode: z.number(), exitedAt: date, oomKilled: z.optional(z.boolean()), lost: z.boolean() })),
  restartCount: z.number(),
})
const nameRecord = z.looseObject({ version: z.literal(1), name: z.string(), containerId: z.string() })

/** Throws `data_loss` for what no version of us wrote. */
export function parseContainerRecord(json: unknown): ContainerRecord {
  const parsed = containerRecord.safeParse(json)
  if (!parsed.success) throw new EngineError('data_loss', 'a stored container cannot be read', { cause: parsed.error })
  return parsed.data as unknown as ContainerRecord
}

/** Throws `data_loss` for what no version of us wrote. */
export function parseNameRecord(json: unknown): NameRecord {
  const parsed = nameRecord.safeParse(json)
  if (!parsed.success) throw new EngineError('data_loss', 'a stored name cannot be read', { cause: parsed.error })
  return parsed.data as unknown as NameRecord
}
