// A daemon pushes only what has the name of its destination. So an image gets it for as long as that takes.
import { EngineError } from '../../../errors.js'
import { canonicalName } from '../../../oci/reference.js'
import type { PushOptions } from '../../../ports/backend/images.js'
import { Rollback } from '../../../util/rollback.js'
import { act } from '../act.js'
import { type HttpContext, requireCapability, unsupported } from '../context.js'
import { apiAtLeast } from '../api-version.js'
import { pathWithSlashes } from '../path.js'
import { describeImage, findImage } from './describe.js'
import { imageRef, nameParts, parseTag } from './names.js'
import { authHeader } from './registry-auth.js'
import { tagImage } from './tag.js'
import { transferred } from './transfer.js'

export async function pushImage(context: HttpContext, ref: string, target: string, options: PushOptions = {}): Promise<void> {
  requireCapability(context, 'image_push')
  const { platform, auth, onProgress, signal } = options
  const destination = parseTag(target)
  // The API's 1.46 takes one; before, Docker has one platform of an image anyway.
  if (platform !== undefined && !apiAtLeast(context.facts.api, 1, 46)) throw unsupported(context.name, '"push" of one platform')
  const name = canonicalName(destination)
  const { repo, tag } = nameParts(context, destination)
  const headers = await authHeader(context, destination.domain, auth, { signal })
  await using undo = new Rollback(({ step, error }) => {
    context.trace({ kind: 'undo', name: step, error })
  })
  const image = await describeImage(context, ref, { signal })
  if (!image.names.includes(name)) {
    if (image.names.length === 0)
      throw new EngineError('failed_precondition', `image "${ref}" has no name, and this daemon pushes by names only: tag it first`)
    const old = await findImage(context, name, { signal })
    undo.defer(`take the name "${name}" away`, async (cleanup) => {
      if (old !== undefined) await tagImage(context, old.id, name, cleanup)
      else await act(context, 'DELETE', pathWithSlashes`/images/${imageRef(context, name)}`, { query: { noprune: true }, ...cleanup })
    })
    await tagImage(context, image.id, name, { signal })
  }
  await transferred(context, pathWithSlashes`/images/${repo}/push`, {
    query: { tag, platform: platform === undefined ? undefined : platformObject(platform) },
    headers,
    subject: { kind: 'image', id: target },
    onProgress,
    signal,
  })
}

function platformObject(platform: string): Readonly<Record<string, unknown>> {
  const [os, architecture, variant] = platform.split('/')
  return { os, architecture, variant }
}
