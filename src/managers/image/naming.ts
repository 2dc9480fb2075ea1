// How names are stored. An image without one still needs a record: that is what keeps it from collection.
import { EngineError } from '../../errors.js'
import type { Digest } from '../../model/common.js'
import { canonicalName, parseReference } from '../../oci/reference.js'

const danglingPrefix = 'dangling@'

/** What stands for the name of an image that has none. No reference is normalised to it. */
export function danglingName(target: Digest): string {
  return `${danglingPrefix}${target}`
}
/** `undefined` for a stand-in. */
export function visibleName(name: string): string | undefined {
  return name.startsWith(danglingPrefix) ? undefined : name
}
/** A name that can be given: without a digest. */
export function parseTag(text: string): string {
  const reference = parseReference(text)
  if (reference.digest !== undefined) throw new EngineError('invalid_argument', `image name "${text}" must not have a digest`)
  return canonicalName(reference)
}
