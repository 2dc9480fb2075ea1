// Image names: `busybox` is docker.io/library/busybox:latest. The grammar is that of the distribution project's references.
import type { Digest } from '../model/common.js'
import { EngineError } from '../errors.js'
import { isDigest } from './digest.js'

export interface ImageReference {
  /** Host and port of the registry's name, e.g. `docker.io`, `localhost:5000`. */
  readonly domain: string
  /** The repository within it, e.g. `library/busybox`. */
  readonly path: string
  /** Absent only where a digest stands alone. */
  readonly tag?: string | undefined
  readonly digest?: Digest | undefined
}

/** Of domain, slash and path together. */
const NAME_LENGTH = 255
/** Name, tag and the longest digest; whatever is longer is not even looked at. */
const TEXT_LENGTH = 600
const HUB = 'docker.io'
const HUB_LEGACY = 'index.docker.io'
const OFFICIAL = 'library/'
const DEFAULT_TAG = 'latest'

const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?'
const DOMAIN = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`)
const COMPONENT = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*$/
const TAG = /^\w[\w.-]{0,127}$/
const IDENTIFIER = /^[a-f0-9]{64}$/

/**
 * Takes a name as users write it. Without tag and digest the tag is `latest`; with both, the tag stays for showing and the
 * digest decides. Malformed: `invalid_argument` naming it.
 */
export function parseReference(text: string): ImageReference {
  const refuse = (why: string): never => {
    throw new EngineError('invalid_argument', `image reference "${shorten(text)}" ${why}`)
  }
  if (text === '') refuse('is empty')
  if (text.length > TEXT_LENGTH) refuse('is too long')
  if (IDENTIFIER.test(text)) refuse('is an id, not a name')

  const [rest, digest] = cut(text, '@')
  if (digest !== undefined && !isDigest(digest)) refuse('has a malformed digest')
  const [domain, remainder] = splitDomain(rest)
  const [path, tag] = cut(remainder, ':')
  if (!DOMAIN.test(domain)) refuse(`has a malformed registry "${shorten(domain)}"`)
  if (path !== path.toLowerCase()) refuse('must be in lower case before the tag')
  if (!path.split('/').every((component) => COMPONENT.test(component))) refuse('has a malformed repository')
  if (tag !== undefined && !TAG.test(tag)) refuse('has a malformed tag')
  if (domain.length + 1 + path.length > NAME_LENGTH) refuse(`has a name of more than ${NAME_LENGTH} characters`)

  const pinned = digest as Digest | undefined
  if (pinned !== undefined) return tag === undefined ? { domain, path, digest: pinned } : { domain, path, tag, digest: pinned }
  return { domain, path, tag: tag ?? DEFAULT_TAG }
}

/** The one name under which an image is stored and asked for: with a digest the tag is dropped, since it says nothing any more. */
export function canonicalName(reference: ImageReference): string {
  const name = repositoryName(reference)
  return reference.digest === undefined ? `${name}:${reference.tag ?? DEFAULT_TAG}` : `${name}@${reference.digest}`
}

/** `docker.io/library/busybox`: without tag and digest. */
export function repositoryName(reference: Pick<ImageReference, 'domain' | 'path'>): string {
  return `${reference.domain}/${reference.path}`
}

/** As short as people write it; parsing it gives an equal reference. */
export function familiarName(reference: ImageReference): string {
  const { domain, path, tag, digest } = reference
  const name = domain === HUB ? familiarPath(path) : `${domain}/${path}`
  return name + (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`)
}

/** `busybox` to `docker.io/library/busybox:latest` in one step. */
export function normalizeReference(text: string): string {
  return canonicalName(parseReference(text))
}

function familiarPath(path: string): string {
  const short = path.startsWith(OFFICIAL) ? path.slice(OFFICIAL.length) : path
  if (short !== path && !short.includes('/')) return IDENTIFIER.test(short) ? path : short
  return splitDomain(path)[0] === HUB ? path : `${HUB}/${path}`
}

/** The first part is a registry when it cannot be a repository's: it has a dot, a port or a capital, or is `localhost`. */
function splitDomain(name: string): [domain: string, remainder: string] {
  const slash = name.indexOf('/')
  if (slash < 0) return [HUB, OFFICIAL + name]
  const first = name.slice(0, slash)
  const isDomain = first === 'localhost' || /[.:]/.test(first) || first !== first.toLowerCase()
  const domain = !isDomain || first === HUB_LEGACY ? HUB : first
  const remainder = isDomain ? name.slice(slash + 1) : name
  return [domain, domain === HUB && !remainder.includes('/') ? OFFICIAL + remainder : remainder]
}

function cut(text: string, separator: string): [before: string, after: string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function shorten(text: string): string {
  const printable = text.replace(/[^\x20-\x7e]/g, '?')
  return printable.length > 80 ? `${printable.slice(0, 77)}...` : printable
}
