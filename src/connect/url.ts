// What a URL asks for. Pure. A URL may carry a password: messages name its scheme, never the whole.
import { checkInput } from '../api/input/check.js'
import { EngineError } from '../errors.js'
import { containerdParameters } from './schema.js'

export type Target =
  | { readonly kind: 'containerd'; readonly address: string; readonly namespace: string | undefined; readonly root: string | undefined }
  | { readonly kind: 'http'; readonly socketPath: string }
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'local'; readonly root: string }

const schemes = 'containerd:, local:, unix:, tcp:, ssh:, npipe:, http: or https:'

/** Throws `invalid_argument`. */
export function parseUrl(text: string): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new EngineError('invalid_argument', `the engine's URL is none: it begins with ${schemes}`)
  switch (url.protocol) {
    case 'containerd:':
      return { kind: 'containerd', address: pathOf(url), ...parametersOf(url) }
    case 'local:':
      noParameters(url)
      return { kind: 'local', root: pathOf(url) }
    case 'unix:':
      noParameters(url)
      return { kind: 'http', socketPath: pathOf(url) }
    case 'tcp:':
    case 'ssh:':
    case 'npipe:':
    case 'http:':
    case 'https:':
      return { kind: 'http', url: text }
    default:
      throw new EngineError('invalid_argument', `no engine has URLs that begin with "${url.protocol}": they begin with ${schemes}`)
  }
}

function pathOf(url: URL): string {
  const path = decodePath(url.pathname)
  if (url.host !== '' || path === undefined || !path.startsWith('/') || path === '/' || path.includes('\0')) {
    throw new EngineError(
      'invalid_argument',
      `a URL that begins with "${url.protocol}" goes on with an absolute path: ${url.protocol}///PATH`,
    )
  }
  return path
}
function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

function parametersOf(url: URL): { readonly namespace: string | undefined; readonly root: string | undefined } {
  const entries = [...url.searchParams]
  const parameters = Object.fromEntries(entries)
  if (url.hash !== '' || entries.length > Object.keys(parameters).length) {
    throw new EngineError('invalid_argument', `a URL that begins with "${url.protocol}" has each parameter once, and no "#"`)
  }
  const { namespace, root } = checkInput(containerdParameters, parameters, 'containerd URL')
  return { namespace, root }
}
function noParameters(url: URL): void {
  if (url.search === '' && url.hash === '') return
  throw new EngineError('invalid_argument', `a URL that begins with "${url.protocol}" takes no parameters`)
}
