// Mounts that show a snapshot. Pure.
import { dirname, join } from 'node:path'
import type { Mount } from '../../../model/common.js'
import { EngineError } from '../../../errors.js'
import type { SnapshotRecord } from './snapshot-records.js'

/** Which of the optional ways of overlayfs the kernel would go by itself: what lies in an upper directory must not depend on them. */
export interface OverlayDefaults {
  readonly options: readonly string[]
}

/** In a snapshot's directory: an empty one in the place of parents that are told later. */
export const later = 'later'
/** Beside it: what has to wait for them. */
export const unfinishedFile = 'unfinished.json'

export function overlayMounts(directory: string, { options }: OverlayDefaults, record: SnapshotRecord): readonly Mount[] {
  const { id, kind, chain, parentLater } = record
  const [first] = chain
  if (first === undefined && parentLater !== true) return [bind(join(directory, id, 'fs'), kind)]
  if (kind === 'view' && first !== undefined && chain.length === 1) return [bind(join(directory, first, 'fs'), kind)]
  const lowers = parentLater === true ? [join(directory, id, later)] : chain.map((one) => join(directory, one, 'fs'))
  const lowerdir = `lowerdir=${lowers.join(':')}`
  const writable = kind === 'view' ? [] : [`workdir=${join(directory, id, 'work')}`, `upperdir=${join(directory, id, 'fs')}`]
  return [{ type: 'overlay', source: 'overlay', options: [...options, ...writable, lowerdir] }]
}
export function nativeMounts(directory: string, { id, kind, chain }: SnapshotRecord): readonly Mount[] {
  // What is only looked at needs no copy.
  return [bind(join(directory, kind === 'view' ? (chain[0] ?? id) : id, 'fs'), kind)]
}
function bind(source: string, kind: SnapshotRecord['kind']): Mount {
  return { type: 'bind', source, options: [kind === 'view' ? 'ro' : 'rw', 'rbind'] }
}

/** Where a layer is unpacked, and the directories below it, the nearest first. */
export interface LayerTarget {
  readonly root: string
  readonly lowers: readonly string[]
  /** Of overlayfs: what it hides is marked, not removed. */
  readonly isOverlay: boolean
  /** Where that is noted which has to wait for the parents. Absent: they are here. */
  readonly unfinishedPath?: string | undefined
}
export function toTarget(mounts: readonly Mount[]): LayerTarget {
  const [mount, further] = mounts
  if (mount === undefined || further !== undefined) throw unknown(mounts)
  if (mount.type === 'bind' || mount.type === 'rbind') return { root: mount.source, lowers: [], isOverlay: false }
  const value = (name: string): string | undefined => mount.options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1)
  const [lower, upper] = [value('lowerdir'), value('upperdir')]
  if (mount.type !== 'overlay' || lower === undefined) throw unknown(mounts)
  const lowers = lower.split(':')
  if (upper !== undefined && lower === join(dirname(upper), later))
    return { root: upper, lowers: [], isOverlay: true, unfinishedPath: join(dirname(upper), unfinishedFile) }
  return upper === undefined
    ? { root: lowers[0] as string, lowers: lowers.slice(1), isOverlay: true }
    : { root: upper, lowers, isOverlay: true }
}
function unknown(mounts: readonly Mount[]): EngineError {
  return new EngineError('unsupported', `mounts of type "${mounts.map(({ type }) => type).join(', ')}" are not a snapshot of this store`)
}
