import * as z from 'zod/mini'
import { isEngineError } from '../../../errors.js'
import type { PruneReport } from '../../../model/system.js'
import type { PruneImagesOptions } from '../../../ports/backend/images.js'
import { type HttpContext, requireCapability, unsupported } from '../context.js'
import { listImages } from './describe.js'
import { removeImage } from './remove.js'
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
  const reallyAll = all && context.dialect.resources.prunesNamed
  const label = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
  const filters = {
    dangling: [String(!reallyAll)],
    ...(olderThanMs !== undefined && { until: [`${Math.ceil(olderThanMs)}ms`] }),
    ...(label.length > 0 && { label }),
  }
  const { ImagesDeleted, SpaceReclaimed } = parse(
    answer,
    await context.calls.json('POST', '/images/prune', { query: { filters }, patient: true, signal }),
    'POST /images/prune',
  )
  const pruned = {
    removed: (ImagesDeleted ?? []).flatMap(({ Deleted }) => (Deleted ? [toImageId(Deleted)] : [])),
    freedBytes: SpaceReclaimed ?? 0,
  }
  return all === reallyAll ? pruned : pruneNamed(context, pruned, { olderThanMs, labels, signal })
}

/** What one image has in common with another counts for both. */
async function pruneNamed(
  context: HttpContext,
  pruned: PruneReport,
  { olderThanMs, labels, signal }: PruneImagesOptions,
): Promise<PruneReport> {
  const youngest = olderThanMs === undefined ? Number.POSITIVE_INFINITY : Date.now() - olderThanMs
  const removed = [...pruned.removed]
  let { freedBytes } = pruned
  for await (const { id, usedBy, createdAt, sizeBytes } of listImages(context, { labels, signal })) {
    if (usedBy.length > 0 || (createdAt?.getTime() ?? 0) > youngest) continue
    try {
      await removeImage(context, id, { force: true, signal })
    } catch (error) {
      // Taken into use, or taken away, in between.
      if (isEngineError(error, 'failed_precondition') || isEngineError(error, 'not_found')) continue
      throw error
    }
    removed.push(id)
    freedBytes += sizeBytes
  }
  return { removed, freedBytes }
}
