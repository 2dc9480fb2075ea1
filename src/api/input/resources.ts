// The schema of limits, for a new container and for a change.
import * as z from 'zod/mini'
import type { ContainerChange } from '../../model/container.js'
import type { ContainerSettings } from '../../model/container-spec.js'
import type { BlockIo, BlockIoDevice, IntelRdt, Ulimit } from '../../model/resources.js'
import { once } from '../../util/once.js'
import type { Schema } from './check.js'
import { absolutePath, bytes, matching, positive, type Shape, strict, wholeNumber } from './fields.js'

/** Below it no process starts, and daemons refuse it. */
const LEAST_MEMORY_BYTES = 4 << 20

const cpuList: Schema<string> = once(() =>
  matching((value) => /^\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*$/.test(value), 'must be a list such as "0-2,4"'),
)
const weight: Schema<number> = once(() => wholeNumber(10, 1_000))
const blockIo: Schema<BlockIo> = once(() =>
  strict<BlockIo>({
    weight: z.optional(weight()),
    devices: z.optional(
      z.array(
        strict<BlockIoDevice>({
          path: absolutePath(),
          weight: z.optional(weight()),
          readBytesPerSecond: z.optional(bytes()),
          writeBytesPerSecond: z.optional(bytes()),
          readOpsPerSecond: z.optional(positive()),
          writeOpsPerSecond: z.optional(positive()),
        }),
      ),
    ),
  }),
)
const ulimits: Schema<Readonly<Record<string, Ulimit>>> = once(() =>
  z.record(
    matching((key) => /^[a-z]+$/.test(key), 'must be in lower case, such as "nofile"'),
    strict<Ulimit>({ soft: wholeNumber(-1), hard: wholeNumber(-1) }),
  ),
)

type Limits = NonNullable<ContainerSettings['resources']>
type ChangedLimits = NonNullable<ContainerChange['resources']>
const intelRdt: Schema<IntelRdt> = once(() =>
  strict<IntelRdt>({
    l3CacheSchema: matching(
      (value) => /^L3:\d+=[0-9a-f]+(?:;\d+=[0-9a-f]+)*$/i.test(value),
      'must be a schema of the kernel such as "L3:0=f0;1=f"',
    ),
  }),
)

export const limits: Schema<Limits> = once(() => strict<Limits>({ ...changeable(), intelRdt: z.optional(intelRdt()) }))
export const changedLimits: Schema<ChangedLimits> = once(() => strict<ChangedLimits>(changeable()))

function changeable(): Shape<ChangedLimits> {
  return {
    memoryBytes: z.optional(wholeNumber(LEAST_MEMORY_BYTES)),
    memorySwapBytes: z.optional(
      z.union([z.literal(-1), wholeNumber(LEAST_MEMORY_BYTES)], `must be -1 or a whole number of at least ${LEAST_MEMORY_BYTES}`),
    ),
    memoryReservationBytes: z.optional(wholeNumber(LEAST_MEMORY_BYTES)),
    cpus: z.optional(z.number().check(z.gte(0.01), z.lte(65_536))),
    cpuShares: z.optional(wholeNumber(2, 262_144)),
    cpuset: z.optional(cpuList()),
    cpusetMems: z.optional(cpuList()),
    pids: z.optional(positive()),
    blockIo: z.optional(blockIo()),
    ulimits: z.optional(ulimits()),
  }
}
