import { checkInput, checkOptional } from '../api/input/check.js'
import { EngineError } from '../errors.js'
import type { Backend } from '../ports/backend/backend.js'
import { discover } from './discover.js'
import type { Environment } from './environment.js'
import type { EngineOptions } from './options.js'
import { connectOptions, connectUrl } from './schema.js'
import { parseUrl } from './url.js'

/** `connect` on any machine. */
export async function openBackend(environment: Environment, url: string | undefined, options?: EngineOptions): Promise<Backend> {
  const checked = checkOptional(connectOptions, options, 'connect') ?? {}
  checked.signal?.throwIfAborted()
  if (url === undefined) return discover(environment, checked)
  const target = parseUrl(checkInput(connectUrl, url, 'the URL'))
  if (checked.tls !== undefined && !('url' in target))
    throw new EngineError('invalid_argument', 'connect: "tls" is for "tcp:" and "https:" URLs')
  return environment.open(target, checked)
}
