import { EngineError } from '../../../errors.js'
import type { RemoveImageOptions } from '../../../ports/backend/images.js'
import { act } from '../act.js'
import type { HttpContext } from '../context.js'
import { pathWithSlashes } from '../path.js'
import { describeImage } from './describe.js'
import { imageRef, nameOf } from './names.js'

/**
 * What may go is decided here: daemons that are forced take the image of a stopped container, and those that are not refuse a name of
 * an image that has others.
 */
export async function removeImage(context: HttpContext, ref: string, { force = false, signal }: RemoveImageOptions = {}): Promise<void> {
  const { id, names, usedBy } = await describeImage(context, ref, { signal })
  const name = nameOf(ref)
  // What could be both is a name only if the image has it; what cannot be an id is one in any case.
  const asked = name !== undefined && (names.includes(name) || /[:/@]/.test(ref)) ? name : undefined
  const going = asked === undefined ? names : [asked]
  if (asked === undefined && names.length > 1 && !force)
    throw new EngineError('failed_precondition', `image "${ref}" has several names: ${names.join(', ')}; remove one of them, or use force`)
  const [user, ...others] = names.every((one) => going.includes(one)) ? usedBy : []
  if (user !== undefined) {
    const more = others.length === 0 ? '' : ` and ${others.length} more`
    throw new EngineError('failed_precondition', `image "${ref}" is used by container "${user}"${more}: remove it first`)
  }
  const subject = { kind: 'image', id: ref }
  for (const one of going.length === 0 ? [id] : going)
    await act(context, 'DELETE', pathWithSlashes`/images/${imageRef(context, one)}`, { subject, signal })
}
