// Taking names away. What is then kept by nothing is the collector's, soon and in the background.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { RemoveImageOptions } from '../../ports/backend/images.js'
import type { ImageContext } from './context.js'
import { findByName, type LocalImage, localImages, lookupImage } from './lookup.js'
import { danglingName, visibleName } from './naming.js'

/** Resolves when the names are gone; what they kept is collected later. */
export async function removeImage(context: ImageContext, ref: string, { force = false, signal }: RemoveImageOptions = {}): Promise<void> {
  const image = await lookupImage(context, ref, { signal })
  const stored = await storedNames(context, image, ref, { signal })
  const going = stored.asked === undefined ? stored.all : [stored.asked]
  const shown = going.flatMap((name) => visibleName(name) ?? [])
  if (stored.asked === undefined && shown.length > 1 && !force) {
    throw new EngineError('failed_precondition', `image "${ref}" has several names: ${shown.join(', ')}; remove one of them, or use force`)
  }
  const isLast = going.length === stored.all.length
  const [user, ...others] = isLast ? await context.usedBy(image.id, { signal }) : []
  if (user !== undefined) {
    const more = others.length === 0 ? '' : ` and ${others.length} more`
    throw new EngineError('failed_precondition', `image "${ref}" is used by container "${user}"${more}: remove it first`)
  }
  for (const name of going) {
    await context.storage.images.delete(name, { signal })
    const visible = visibleName(name)
    if (visible !== undefined) await context.emit('untag', { id: image.id, name: visible }, {})
  }
  if (isLast) await context.emit('remove', { id: image.id }, {})
}

/** All names of the image as they are stored, and the one that `ref` is, unless it is an id. */
async function storedNames(
  context: ImageContext,
  image: LocalImage,
  ref: string,
  options: CallOptions,
): Promise<{ readonly all: readonly string[]; readonly asked?: string | undefined }> {
  const own = image.name ?? danglingName(image.target.digest)
  // Another client's name in a shared store is not listed, but may be asked for.
  const all = new Set([own])
  for await (const { record, local } of localImages(context, options)) if (local.id === image.id) all.add(record.name)
  return { all: [...all], asked: (await findByName(context, ref, options))?.name }
}
