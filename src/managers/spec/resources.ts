// Limits in the neutral form of the OCI specification; runtimes turn it into files of cgroup v1 or v2.
import { EngineError } from '../../errors.js'
import type { BlockIo, BlockIoDevice, Resources } from '../../model/resources.js'
import type { OciBlockIo, OciResources, OciThrottleDevice } from '../../oci/runtime-spec.js'
import type { ResolvedBlockDevice } from './input.js'

type BlockDevices = ReadonlyMap<string, ResolvedBlockDevice>

const PERIOD_MICROS = 100_000
/** Below it the kernel refuses a quota. */
const LEAST_QUOTA_MICROS = 1_000

/** What is absent in `resources` is absent in the result: unlimited at start, unchanged in an update. */
export function toResources(resources: Resources, blockDevices: BlockDevices = new Map()): OciResources {
  const { memoryBytes, memorySwapBytes, memoryReservationBytes, cpus, cpuShares, cpuset, cpusetMems, pids, blockIo } = resources
  if (memorySwapBytes !== undefined && memorySwapBytes !== -1 && (memoryBytes === undefined || memorySwapBytes < memoryBytes)) {
    throw new EngineError(
      'invalid_argument',
      'resources.memorySwapBytes: "memoryBytes" must be set and no larger, since swap counts on top of it',
    )
  }
  if (memoryReservationBytes !== undefined && memoryBytes !== undefined && memoryReservationBytes > memoryBytes) {
    throw new EngineError('invalid_argument', 'resources.memoryReservationBytes is larger than "memoryBytes"')
  }
  const quota = cpus === undefined ? undefined : Math.max(LEAST_QUOTA_MICROS, Math.round(cpus * PERIOD_MICROS))
  return (
    given<OciResources>({
      memory: given<NonNullable<OciResources['memory']>>({
        limit: memoryBytes,
        swap: memorySwapBytes,
        reservation: memoryReservationBytes,
      }),
      cpu: given<NonNullable<OciResources['cpu']>>({
        shares: cpuShares,
        quota,
        period: quota === undefined ? undefined : PERIOD_MICROS,
        cpus: cpuset,
        mems: cpusetMems,
      }),
      pids: pids === undefined ? undefined : { limit: pids },
      blockIO: blockIo && toBlockIo(blockIo, blockDevices),
    }) ?? {}
  )
}

function toBlockIo({ weight, devices = [] }: BlockIo, numbers: BlockDevices): OciBlockIo | undefined {
  const found = devices.map((device) => {
    const number = numbers.get(device.path)
    if (number === undefined)
      throw new EngineError('invalid_argument', `resources.blockIo.devices: "${device.path}" is not a block device of this host`)
    return { device, major: number.major, minor: number.minor }
  })
  const throttle = (rateOf: (device: BlockIoDevice) => number | undefined): readonly OciThrottleDevice[] =>
    found.flatMap(({ device, major, minor }) => {
      const rate = rateOf(device)
      return rate === undefined ? [] : [{ major, minor, rate }]
    })
  return given<OciBlockIo>({
    weight,
    weightDevice: some(
      found.flatMap(({ device, major, minor }) => (device.weight === undefined ? [] : [{ major, minor, weight: device.weight }])),
    ),
    throttleReadBpsDevice: some(throttle((device) => device.readBytesPerSecond)),
    throttleWriteBpsDevice: some(throttle((device) => device.writeBytesPerSecond)),
    throttleReadIOPSDevice: some(throttle((device) => device.readOpsPerSecond)),
    throttleWriteIOPSDevice: some(throttle((device) => device.writeOpsPerSecond)),
  })
}

function some<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length > 0 ? list : undefined
}

/** Without the fields that are `undefined`; nothing at all when none is left. */
function given<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T | undefined {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined)
  return entries.length > 0 ? (Object.fromEntries(entries) as T) : undefined
}
