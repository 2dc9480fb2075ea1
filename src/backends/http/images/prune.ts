import * as z from 'zod/mini'
import type { PruneReport } from '../../../model/system.js'
import type { PruneImagesOptions } from '../../../ports/backend/images.js'
import { type HttpContext, requireCapability, unsupported } from '../context.js'
import { toImageId } from '../wire/image.js'
import { parse } from '../wire/parse.js'
import { nullish } from '../wire/values.js'

const answer = z.object({
  ImagesDeleted: nullish(z.array(z.object({ Untagged: nullish(z.string()), Deleted: nullish(z.string()) }))),
  SpaceReclaimed: nullish(z.number()),
})

export async function pruneImages(
  context: HttpContext,
  { all = false, olderThanMs, labels = {}, keepBytes, signal }: PruneImagesOptions = {},
): Promise<PruneReport> {
  requireCapability(context, 'image_prune')
  if (keepBytes !== undefined) throw unsupported(context.name, '"keepBytes": it does not tell which images were used last')
  const label = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  const filters = {
    dangling: [String(!all)],
    ...(olderThanMs !== undefined && { until: [`${Math.ceil(olderThanMs)}ms`] }),
    ...(label.length > 0 && { label }),
  }
  const { ImagesDeleted, SpaceReclaimed } = parse(
    answer,
    await context.calls.json('POST', '/images/prune', { query: { filters }, patient: true, signal }),
    'POST /images/prune',
  )
  return {
    removed: (ImagesDeleted ?? []).flatMap(({ Deleted }) => (Deleted ? [toImageId(Deleted)] : [])),
    freedBytes: SpaceReclaimed ?? 0,
  }
}
