// pouchd 1.3.0 and 1.3.1, the last releases.
import type { Dialect } from '../dialect.js'
import { resourceDialects } from '../resource-dialect.js'
import { pouchResourceErrors } from './resource-errors.js'
import { docker, dockerErrors } from './docker.js'

export const pouch: Dialect = {
  ...docker,
  name: 'pouchd',
  isSpokenBy: ({ info }) => typeof info['PouchRootDir'] === 'string',
  // Any version in the path is taken, and none is looked at.
  prefix: () => '/v1.24',
  errors: [...pouchResourceErrors, ...dockerErrors],
  resources: resourceDialects.pouchd,
  capabilities: () => resourceDialects.pouchd.capabilities,
}
