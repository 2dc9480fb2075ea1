// Figures as a shim tells them: for runtimes whose cgroup on the host is not the container's.
import { fromBinary } from '@bufbuild/protobuf'
import type { ResourceSample } from '../../../ports/engine/tasks.js'
import { MetricsSchema as V1 } from '../gen/cgroups_v1_pb.js'
import { MetricsSchema as V2 } from '../gen/cgroups_v2_pb.js'

/** `undefined`: a message of a kind that we do not know. */
export function metricsSample(typeUrl: string, value: Uint8Array, time: Date): ResourceSample | undefined {
  if (typeUrl.endsWith('io.containerd.cgroups.v1.Metrics')) return v1(value, time)
  if (typeUrl.endsWith('io.containerd.cgroups.v2.Metrics')) return v2(value, time)
  return undefined
}

function v1(value: Uint8Array, time: Date): ResourceSample {
  const { cpu, memory, pids, blkio } = fromBinary(V1, value)
  const io = (op: string): number =>
    (blkio?.ioServiceBytesRecursive ?? []).reduce((sum, entry) => sum + (entry.op === op ? Number(entry.value) : 0), 0)
  return {
    time,
    cpuNanos: Number(cpu?.usage?.total ?? 0n),
    throttledNanos: cpu?.throttling && Number(cpu.throttling.throttledTime),
    memoryBytes: Math.max(0, Number((memory?.usage?.usage ?? 0n) - (memory?.totalInactiveFile ?? 0n))),
    cacheBytes: memory && Number(memory.totalCache),
    memoryLimitBytes: limit(memory?.usage?.limit),
    pids: pids && Number(pids.current),
    ...(blkio !== undefined && { readBytes: io('Read'), writtenBytes: io('Write') }),
  }
}
function v2(value: Uint8Array, time: Date): ResourceSample {
  const { cpu, memory, pids, io } = fromBinary(V2, value)
  const sum = (name: 'rbytes' | 'wbytes'): number => (io?.usage ?? []).reduce((total, entry) => total + Number(entry[name]), 0)
  return {
    time,
    cpuNanos: Number(cpu?.usageUsec ?? 0n) * 1_000,
    throttledNanos: cpu && Number(cpu.throttledUsec) * 1_000,
    memoryBytes: Math.max(0, Number((memory?.usage ?? 0n) - (memory?.inactiveFile ?? 0n))),
    cacheBytes: memory && Number(memory.file),
    memoryLimitBytes: limit(memory?.usageLimit),
    pids: pids && Number(pids.current),
    ...(io !== undefined && { readBytes: sum('rbytes'), writtenBytes: sum('wbytes') }),
  }
}
function limit(value: bigint | undefined): number | undefined {
  return value === undefined || value === 0n || value >= 2n ** 62n ? undefined : Number(value)
}
