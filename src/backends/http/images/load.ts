import type { ImageInfo } from '../../../model/image.js'
import { hostPlatform, normalizePlatform, type Platform } from '../../../oci/platform.js'
import type { ProgressOptions } from '../../../ports/backend/images.js'
import { abortable } from '../../../util/abortable.js'
import { tell } from '../../../util/tell.js'
import type { HttpContext } from '../context.js'
import { ArchiveRelay } from './archive-relay.js'
import { describeImage } from './describe.js'
import { transferred } from './transfer.js'

/** Docker unpacks the whole archive before it looks at the first image of it, so that a cut one leaves nothing. */
export async function loadImages(
  context: HttpContext,
  tar: AsyncIterable<Uint8Array>,
  { onProgress, signal }: ProgressOptions = {},
): Promise<readonly ImageInfo[]> {
  signal?.throwIfAborted()
  const relay = new ArchiveRelay(abortable(tar, signal), {
    platform: daemonPlatform(context),
    layouts: context.dialect.resources.loadsLayouts,
    ...(onProgress && {
      onMember: (layer: string, doneBytes: number, totalBytes: number) => {
        tell(onProgress, { phase: 'upload', layer, doneBytes, totalBytes })
      },
    }),
  })
  await transferred(context, '/images/load', { body: relay.bytes(), query: { quiet: true }, signal })
  const refs = new Set(relay.images.flatMap(({ id, names }) => names[0] ?? id ?? []))
  const images = new Map<string, ImageInfo>()
  for (const ref of refs) {
    const image = await describeImage(context, ref)
    images.set(image.id, image)
  }
  return [...images.values()]
}

export function daemonPlatform({ facts: { info } }: Pick<HttpContext, 'facts'>): Platform {
  const { OSType: os, Architecture: architecture } = info
  if (typeof architecture !== 'string' || architecture === '') return hostPlatform()
  return normalizePlatform({ os: typeof os === 'string' && os !== '' ? os : 'linux', architecture })
}
