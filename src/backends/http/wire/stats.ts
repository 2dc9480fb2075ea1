// `GET /containers/{id}/stats`: one reading.
import * as z from 'zod/mini'
import type { Maybe } from './maybe.js'
import type { StatsSample } from '../../../model/resources.js'
import { toDate } from './container-info.js'

const number: z.ZodMiniType<number | null | undefined> = z.nullish(z.number())

export interface StatsAnswer {
  readonly read?: Maybe<string>
  readonly cpu_stats?: Maybe<{
    readonly cpu_usage?: Maybe<{ readonly total_usage?: Maybe<number> }>
    readonly throttling_data?: Maybe<{ readonly throttled_time?: Maybe<number> }>
  }>
  readonly memory_stats?: Maybe<{
    readonly usage?: Maybe<number>
    readonly limit?: Maybe<number>
    readonly stats?: Maybe<Readonly<Record<string, unknown>>>
  }>
  readonly pids_stats?: Maybe<{ readonly current?: Maybe<number>; readonly limit?: Maybe<number> }>
  readonly blkio_stats?: Maybe<{
    readonly io_service_bytes_recursive?: Maybe<readonly { readonly value?: Maybe<number>; readonly op?: Maybe<string> }[]>
  }>
  readonly networks?: Maybe<Readonly<Record<string, { readonly rx_bytes?: Maybe<number>; readonly tx_bytes?: Maybe<number> }>>>
}
export const statsAnswer: z.ZodMiniType<StatsAnswer> = z.object({
  read: z.nullish(z.string()),
  cpu_stats: z.nullish(
    z.object({ cpu_usage: z.nullish(z.object({ total_usage: number })), throttling_data: z.nullish(z.object({ throttled_time: number })) }),
  ),
  memory_stats: z.nullish(z.object({ usage: number, limit: number, stats: z.nullish(z.record(z.string(), z.unknown())) })),
  pids_stats: z.nullish(z.object({ current: number, limit: number })),
  blkio_stats: z.nullish(
    z.object({ io_service_bytes_recursive: z.nullish(z.array(z.object({ op: z.nullish(z.string()), value: number }))) }),
  ),
  networks: z.nullish(z.record(z.string(), z.object({ rx_bytes: number, tx_bytes: number }))),
})

/** Of a container that does not run daemons give a reading with nothing in it. */
export function isEmpty({ read, cpu_stats, memory_stats }: StatsAnswer): boolean {
  return toDate(read) === undefined || ((cpu_stats?.cpu_usage?.total_usage ?? 0) === 0 && (memory_stats?.usage ?? 0) === 0)
}

export function toSample(before: StatsAnswer, now: StatsAnswer): StatsSample {
  const time = toDate(now.read) ?? new Date()
  const elapsedNanos = (time.getTime() - (toDate(before.read) ?? time).getTime()) * 1e6
  const used = now.cpu_stats?.cpu_usage?.total_usage ?? 0
  const grown = Math.max(0, used - (before.cpu_stats?.cpu_usage?.total_usage ?? 0))
  return {
    time,
    cpu: {
      fraction: elapsedNanos > 0 ? grown / elapsedNanos : 0,
      usedNanos: used,
      throttledNanos: now.cpu_stats?.throttling_data?.throttled_time ?? undefined,
    },
    memory: toMemory(now),
    pids: toPids(now),
    blockIo: toBlockIo(now),
    networks: toNetworks(now),
  }
}

/** Without limit of its own a container is told that of the machine, or nearly 2^64. */
const unlimited = 2 ** 62

function toMemory({ memory_stats }: StatsAnswer): StatsSample['memory'] {
  const { usage, limit, stats } = memory_stats ?? {}
  const figure = (name: string): number | undefined => {
    const value = stats?.[name]
    return typeof value === 'number' ? value : undefined
  }
  const cacheBytes = figure('total_inactive_file') ?? figure('inactive_file')
  const used = usage ?? 0
  return {
    usedBytes: Math.max(0, used - (cacheBytes !== undefined && cacheBytes < used ? cacheBytes : 0)),
    cacheBytes,
    limitBytes: limit === null || limit === undefined || limit === 0 || limit > unlimited ? undefined : limit,
  }
}
function toPids({ pids_stats }: StatsAnswer): StatsSample['pids'] {
  const { current, limit } = pids_stats ?? {}
  if (current === null || current === undefined || current === 0) return undefined
  return { current, limit: limit === null || limit === undefined || limit === 0 || limit > unlimited ? undefined : limit }
}
function toBlockIo({ blkio_stats }: StatsAnswer): StatsSample['blockIo'] {
  const entries = blkio_stats?.io_service_bytes_recursive
  if (entries === null || entries === undefined) return undefined
  const sum = (wanted: string): number =>
    entries.reduce((total, { op, value }) => total + (op?.toLowerCase() === wanted ? (value ?? 0) : 0), 0)
  return { readBytes: sum('read'), writtenBytes: sum('write') }
}
function toNetworks({ networks }: StatsAnswer): StatsSample['networks'] {
  if (networks === null || networks === undefined) return undefined
  return Object.fromEntries(
    Object.entries(networks).map(([name, { rx_bytes, tx_bytes }]) => [name, { receivedBytes: rx_bytes ?? 0, sentBytes: tx_bytes ?? 0 }]),
  )
}
