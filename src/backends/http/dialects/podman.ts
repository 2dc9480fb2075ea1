// Podman's compatible API, as `podman system service` serves it.
import type { Dialect } from '../dialect.js'
import { docker, dockerErrors } from './docker.js'

export const podman: Dialect = {
  ...docker,
  name: 'podman',
  isSpokenBy: ({ ping }) => ping['libpod-api-version'] !== undefined,
  errors: dockerErrors,
}
