// Podman's compatible API, as `podman system service` serves it.
import type { Dialect, ErrorRule } from '../dialect.js'
import { resourceDialects } from '../resource-dialect.js'
import { podmanResourceErrors } from './resource-errors.js'
import { docker, dockerErrors } from './docker.js'

/** Most of what a user does wrong is a 500 here. */
const podmanErrors: readonly ErrorRule[] = [
  {
    status: 500,
    message: /image not known|no such image|network not found|no such volume|no such container|layer not known/i,
    code: 'not_found',
  },
]

export const podman: Dialect = {
  ...docker,
  name: 'podman',
  isSpokenBy: ({ ping }) => ping['libpod-api-version'] !== undefined,
  errors: [...podmanErrors, ...podmanResourceErrors, ...dockerErrors],
  resources: resourceDialects.podman,
  containers: { ...docker.containers, wait: 'plain', oneShotStats: () => false },
}
