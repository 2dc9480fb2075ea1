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
  fields: {
    cgroupParent: 'always',
    'mounts: createSource': 'always',
    'networks: several': 'always',
    'resources.blockIo': 'always',
    'security: maskedPaths and readOnlyPaths': 'always',
  },
  containers: {
    ...docker.containers,
    wait: 'plain',
    stop: ({ version }) => (version.startsWith('1.3.0') ? 'daemon' : 'signals'),
    attach: 'raw',
    networksAtCreate: () => 1,
    oneShotStats: () => false,
  },
  capabilities: () => resourceDialects.pouchd.capabilities,
}
