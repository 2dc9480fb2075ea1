import type { SaveOptions } from '../../../ports/backend/images.js'
import { type HttpContext, requireCapability, unsupported } from '../context.js'
import { describeImage } from './describe.js'
import { namedLayout } from './named-layout.js'
import { imageRef, nameOf } from './names.js'
import { wholeTar } from './whole-tar.js'

/** In the daemon's own format; the other one, asked for, is `unsupported`. */
export async function* saveImages(
  context: HttpContext,
  refs: readonly string[],
  { format, signal }: SaveOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  requireCapability(context, 'image_save')
  const { saves, savesSeveral, savesWholeNames } = context.dialect.resources
  if (format !== undefined && format !== saves) throw unsupported(context.name, `"save" in the format "${format}": it writes "${saves}"`)
  if (refs.length !== 1 && !savesSeveral) throw unsupported(context.name, '"save" of several images in one archive')
  // A name that is missing is told before the first byte, in one way.
  const images = await Promise.all(refs.map((ref) => describeImage(context, ref, { signal })))
  const names = refs.map((ref) => imageRef(context, ref))
  const { body } = await context.calls.bytes('GET', savesSeveral ? '/images/get' : '/images/save', {
    query: savesSeveral ? { names } : { name: names[0] },
    signal,
    subject: { kind: 'image', id: refs.join(', ') },
  })
  const tar = wholeTar(body, `the archive of image "${refs.join(', ')}"`)
  // None for one that was asked for by its id.
  const name = images[0]?.names.find((one) => one === nameOf(refs[0] ?? ''))
  yield* savesWholeNames || name === undefined ? tar : namedLayout(tar, name)
}
