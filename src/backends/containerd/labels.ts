// The mark by which we know what is ours in a daemon that others use, too.
import type { Labels } from '../../model/common.js'
import { gcRootLabel } from '../host/gc-labels.js'

/** On everything that we write into a daemon: the uuid of the root it belongs to. */
export const rootLabel = 'pouch-sdk/root'

/** What a caller gave, without what we and the collector add. */
export function withoutOurs(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => key !== rootLabel && key !== gcRootLabel))
}

/** A filter in the daemon's language for what bears our mark. */
export function ours(rootId: string): string {
  return `labels.${JSON.stringify(rootLabel)}==${JSON.stringify(rootId)}`
}
/** For an update mask: one label, and no other. */
export function labelPaths(labels: Labels): string[] {
  return Object.keys(labels).map((key) => `labels.${key}`)
}
