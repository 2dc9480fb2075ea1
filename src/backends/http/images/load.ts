import { isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { ImageInfo } from '../../../model/image.js'
import { hostPlatform, normalizePlatform, type Platform } from '../../../oci/platform.js'
import type { ProgressOptions } from '../../../ports/backend/images.js'
import { abortable } from '../../../util/abortable.js'
import { Rollback } from '../../../util/rollback.js'
import { tell } from '../../../util/tell.js'
import type { HttpContext } from '../context.js'
import { imageList, toImageId, toImageNames } from '../wire/image.js'
import { parse } from '../wire/parse.js'
import { ArchiveRelay, type RelayedImage } from './archive-relay.js'
import { describeImage, findImage } from './describe.js'
import { removeImage } from './remove.js'
import { tagImage } from './tag.js'
import { transferred } from './transfer.js'

/**
 * Docker unpacks the whole archive before it looks at the first image of it, so that a cut one leaves nothing; but it keeps the images that came
 * before one that it cannot take. These are taken away again, and names that they took are given back.
 */
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
  const before = await imagesHere(context, { signal })
  await using undo = new Rollback(({ step, error }) => {
    context.trace({ kind: 'undo', name: step, error })
  })
  undo.defer('take back what was loaded', async (cleanup) => {
    for (const image of relay.images) await takeBack(context, image, before, cleanup)
  })
  await transferred(context, '/images/load', { body: relay.bytes(), query: { quiet: true }, signal })
  undo.keep()
  const refs = new Set(relay.images.flatMap(({ id, names }) => names[0] ?? id ?? []))
  const images = new Map<string, ImageInfo>()
  for (const ref of refs) {
    const image = await describeImage(context, ref)
    images.set(image.id, image)
  }
  return [...images.values()]
}

interface Here {
  readonly ids: ReadonlySet<string>
  /** Ids by names. */
  readonly names: ReadonlyMap<string, string>
}
async function imagesHere(context: HttpContext, { signal }: CallOptions): Promise<Here> {
  const list = parse(imageList, await context.calls.json('GET', '/images/json', { signal }), 'GET /images/json') ?? []
  const { hub } = context.dialect.resources
  return {
    ids: new Set(list.map(({ Id }) => toImageId(Id))),
    names: new Map(list.flatMap((one) => toImageNames(one, hub).map((name) => [name, toImageId(one.Id)] as const))),
  }
}

/** Only what this archive brought: what has meanwhile got another meaning is somebody else's. */
async function takeBack(context: HttpContext, { id, names }: RelayedImage, before: Here, options: CallOptions): Promise<void> {
  for (const name of names) {
    const old = before.names.get(name)
    const now = await findImage(context, name, options)
    if (now === undefined || now.id === old || (id !== undefined && now.id !== id)) continue
    if (old === undefined) await gone(removeImage(context, name, options))
    else await tagImage(context, old, name, options)
  }
  if (id === undefined || before.ids.has(id)) return
  const rest = await findImage(context, id, options)
  if (rest?.names.length === 0) await gone(removeImage(context, id, options))
}
async function gone(removal: Promise<void>): Promise<void> {
  try {
    await removal
  } catch (error) {
    if (!isEngineError(error, 'not_found')) throw error
  }
}

export function daemonPlatform({ facts: { info } }: Pick<HttpContext, 'facts'>): Platform {
  const { OSType: os, Architecture: architecture } = info
  if (typeof architecture !== 'string' || architecture === '') return hostPlatform()
  return normalizePlatform({ os: typeof os === 'string' && os !== '' ? os : 'linux', architecture })
}
