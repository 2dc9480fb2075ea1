// What users call an image, and what a daemon is told.
import { EngineError } from '../../../errors.js'
import { canonicalName, familiarName, type ImageReference, parseReference, repositoryName } from '../../../oci/reference.js'
import type { HttpContext } from '../context.js'

type Names = { readonly dialect: Pick<HttpContext['dialect'], 'resources'> }
const idPattern = /^(?:sha256:)?([0-9a-f]{4,64})$/

/** A name, an id or the beginning of one, as this daemon takes it. It looks for a name first, so what could be both is passed as it is. */
export function imageRef(context: Names, ref: string): string {
  const [whole, hex = ''] = idPattern.exec(ref) ?? []
  if (whole !== undefined) return hex.length === 64 ? `sha256:${hex}` : hex
  return called(context, parseReference(ref))
}
/** The whole name, or `undefined` when it can only be an id. */
export function nameOf(ref: string): string | undefined {
  return idPattern.test(ref) && ref.includes(':') ? undefined : canonical(ref)
}
function canonical(ref: string): string | undefined {
  return /^[0-9a-f]{64}$/.test(ref) ? undefined : canonicalName(parseReference(ref))
}

export interface NameParts {
  /** Of which daemons want the repository and the tag apart. */
  readonly repo: string
  /** Empty for a digest, which then is in `repo`. */
  readonly tag: string
}
export function nameParts(context: Names, reference: ImageReference): NameParts {
  if (reference.digest !== undefined) return { repo: called(context, { ...reference, tag: undefined }), tag: '' }
  return { repo: called(context, { domain: reference.domain, path: reference.path }), tag: reference.tag ?? 'latest' }
}
/** A name that can be given: without a digest. */
export function parseTag(text: string): ImageReference {
  const reference = parseReference(text)
  if (reference.digest !== undefined) throw new EngineError('invalid_argument', `image name "${text}" must not have a digest`)
  return reference
}

function called({ dialect }: Names, reference: ImageReference): string {
  if (dialect.resources.imageNames === 'familiar') return familiarName(reference)
  return reference.tag === undefined && reference.digest === undefined ? repositoryName(reference) : canonicalName(reference)
}
