import * as z from 'zod/mini'
import type { CallOptions } from '../../model/common.js'
import type { DiskUsage, UsageItem } from '../../model/system.js'
import { type HttpContext, requireCapability } from './context.js'
import { parse } from './wire/parse.js'
import { nullish } from './wire/values.js'

const count = nullish(z.number())
const answer = z.object({
  LayersSize: count,
  Images: nullish(z.array(z.object({ Id: z.string(), Size: count, SharedSize: count, Containers: count }))),
  Containers: nullish(z.array(z.object({ SizeRw: count, State: nullish(z.string()) }))),
  Volumes: nullish(z.array(z.object({ UsageData: nullish(z.object({ Size: count, RefCount: count })) }))),
  BuildCache: nullish(z.array(z.object({ Size: count, InUse: nullish(z.boolean()), Shared: nullish(z.boolean()) }))),
})

/** What a daemon does not know it says as -1. */
const known = (value: number | null | undefined): number => Math.max(0, value ?? 0)

export async function diskUsage(context: HttpContext, { signal }: CallOptions = {}): Promise<DiskUsage> {
  requireCapability(context, 'disk_usage')
  const told = parse(answer, await context.calls.json('GET', '/system/df', { patient: true, signal }), 'GET /system/df')
  // Podman lists an image once for each of its names.
  const images = [...new Map((told.Images ?? []).map((image) => [image.Id, image])).values()]
  const own = images.map(({ Size, SharedSize, Containers }) => ({
    size: known(Size) - known(SharedSize),
    free: known(Containers) === 0,
  }))
  const cache = told.BuildCache ?? []
  return {
    images: {
      count: images.length,
      sizeBytes: known(told.LayersSize) || sum(images.map(({ Size }) => known(Size))),
      reclaimableBytes: sum(own.filter(({ free }) => free).map(({ size }) => Math.max(0, size))),
    },
    containers: items(
      (told.Containers ?? []).map(({ SizeRw, State }) => ({ size: known(SizeRw), free: State !== 'running' && State !== 'paused' })),
    ),
    volumes: items((told.Volumes ?? []).map(({ UsageData }) => ({ size: known(UsageData?.Size), free: known(UsageData?.RefCount) === 0 }))),
    ...(cache.length > 0 && {
      cache: items(cache.filter(({ Shared }) => Shared !== true).map(({ Size, InUse }) => ({ size: known(Size), free: InUse !== true }))),
    }),
  }
}

function items(all: readonly { readonly size: number; readonly free: boolean }[]): UsageItem {
  return {
    count: all.length,
    sizeBytes: sum(all.map(({ size }) => size)),
    reclaimableBytes: sum(all.filter(({ free }) => free).map(({ size }) => size)),
  }
}
function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
