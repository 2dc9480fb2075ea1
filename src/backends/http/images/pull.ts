import { EngineError } from '../../../errors.js'
import type { ImageInfo } from '../../../model/image.js'
import { matchesPlatform, parsePlatform } from '../../../oci/platform.js'
import { canonicalName, parseReference } from '../../../oci/reference.js'
import type { PullOptions } from '../../../ports/backend/images.js'
import { Rollback } from '../../../util/rollback.js'
import { act } from '../act.js'
import { type HttpContext, requireCapability } from '../context.js'
import { pathWithSlashes } from '../path.js'
import { describeImage, findImage } from './describe.js'
import { imageRef, nameParts } from './names.js'
import { authHeader } from './registry-auth.js'
import { tagImage } from './tag.js'
import { transferred } from './transfer.js'

export async function pullImage(context: HttpContext, reference: string, options: PullOptions = {}): Promise<ImageInfo> {
  const { platform, auth, onProgress, signal } = options
  const parsed = parseReference(reference)
  const wanted = platform === undefined ? undefined : parsePlatform(platform)
  if (platform !== undefined) requireCapability(context, 'platform')
  const name = canonicalName(parsed)
  const { repo, tag } = nameParts(context, parsed)
  const subject = { kind: 'image', id: reference }
  const before = wanted === undefined ? undefined : await findImage(context, name, { signal })
  const headers = await authHeader(context, parsed.domain, auth, { signal })
  await transferred(context, '/images/create', {
    query: { fromImage: repo, tag: tag || undefined, platform },
    headers,
    subject,
    onProgress,
    signal,
  })
  // The name stands for the new image now: an abort from here on comes too late.
  const image = await describeImage(context, name)
  if (wanted === undefined || matchesPlatform(parsePlatform(image.platform), wanted)) return image
  await putBack(context, name, image, before)
  throw new EngineError('not_found', `image "${reference}" is not there for ${platform}, but for ${image.platform}`, { subject })
}

/** Docker takes an image of another platform where a registry has no choice of several, and only warns in its log. */
async function putBack(context: HttpContext, name: string, image: ImageInfo, before: ImageInfo | undefined): Promise<void> {
  if (before?.id === image.id) return
  await using undo = new Rollback(({ step, error }) => {
    context.trace({ kind: 'undo', name: step, error })
  })
  undo.defer(`put back image "${name}"`, async ({ signal }) => {
    if (before !== undefined) await tagImage(context, before.id, name, { signal })
    else await act(context, 'DELETE', pathWithSlashes`/images/${imageRef(context, name)}`, { signal })
  })
}
