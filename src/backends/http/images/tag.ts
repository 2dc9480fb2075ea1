import type { CallOptions } from '../../../model/common.js'
import { canonicalName } from '../../../oci/reference.js'
import { act } from '../act.js'
import type { HttpContext } from '../context.js'
import { pathWithSlashes } from '../path.js'
import { findImage, describeImage } from './describe.js'
import { imageRef, nameParts, parseTag } from './names.js'

export async function tagImage(context: HttpContext, ref: string, name: string, { signal }: CallOptions = {}): Promise<void> {
  const target = parseTag(name)
  const called = imageRef(context, ref)
  if (!context.dialect.resources.tagMoves) {
    const [image, old] = [await describeImage(context, ref, { signal }), await findImage(context, canonicalName(target), { signal })]
    if (old?.id === image.id) return
    if (old !== undefined) await act(context, 'DELETE', pathWithSlashes`/images/${imageRef(context, canonicalName(target))}`, { signal })
  }
  const subject = { kind: 'image', id: ref }
  await act(context, 'POST', pathWithSlashes`/images/${called}/tag`, { query: { ...nameParts(context, target) }, subject, signal })
}
