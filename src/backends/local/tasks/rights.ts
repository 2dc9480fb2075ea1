// What this process must be allowed to do, asked before anything is touched.
import { EngineError } from '../../../errors.js'
import { parseCapabilities } from '../../host/host-facts.js'
import { readSmall } from '../../host/small-files.js'

/** Not uid 0: in a user namespace of its own any user has it. Throws `permission_denied` with the reason. */
export function requireRights(status: string = readSmall('/proc/self/status') ?? ''): void {
  if (parseCapabilities(status, 'CapEff').includes('CAP_SYS_ADMIN')) return
  throw new EngineError(
    'permission_denied',
    'containers need the right to mount (CAP_SYS_ADMIN), which this process does not have: run it as root, or in a user namespace of its own',
  )
}
