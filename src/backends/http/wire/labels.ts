// Labels in which this package keeps what a daemon has no field for. Users do not see them.
import type { Labels } from '../../../model/common.js'

const prefix = 'pouch-sdk/'
export const ownerLabel = 'pouch-sdk/owner'
/** A stop's grace in milliseconds: daemons count seconds. */
export const graceLabel = 'pouch-sdk/stop-grace-ms'

export function withoutOurs(labels: Labels | null | undefined): Labels {
  return Object.fromEntries(Object.entries(labels ?? {}).filter(([name]) => !name.startsWith(prefix)))
}
