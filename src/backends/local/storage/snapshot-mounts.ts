// Mounts that show a snapshot. Pure.
import { join } from 'node:path'
import type { Mount } from '../../../model/common.js'
import { EngineError } from '../../../errors.js'
import type { SnapshotRecord } from './snapshot-records.js'

/** Which of the optional ways of overlayfs the kernel would go by itself: what lies in an upper directory must not depend on them. */
export interface OverlayDefaults {
  readonly options: readonly string[]
}

export function overlayMounts(directory: string, { options }: OverlayDefaults, record: SnapshotRecord): readonly Mount[] {
  const { id, kind, chain } = record
  const [first] = chain
  if (first === undefined) return [bind(join(directory, id, 'fs'), kind)]
  if (kind === 'view' && chain.length === 1) return [bind(join(directory, first, 'fs'), kind)]
  const lowerdir = `lowerdir=${chain.map((one) => join(directory, one, 'fs')).join(':')}`
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
}
export function toTarget(mounts: readonly Mount[]): LayerTarget {
  const [mount, further] = mounts
  if (mount === undefined || further !== undefined) throw unknown(mounts)
  if (mount.type === 'bind' || mount.type === 'rbind') return { root: mount.source, lowers: [], isOverlay: false }
  const value = (name: string): string | undefined => mount.options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1)
  const [lower, upper] = [value('lowerdir'), value('upperdir')]
  if (mount.type !== 'overlay' || lower === undefined) throw unknown(mounts)
  const lowers = lower.split(':')
  return upper === undefined
    ? { root: lowers[0] as string, lowers: lowers.slice(1), isOverlay: true }
    : { root: upper, lowers, isOverlay: true }
}
function unknown(mounts: readonly Mount[]): EngineError {
  return new EngineError('unsupported', `mounts of type "${mounts.map(({ type }) => type).join(', ')}" are not a snapshot of this store`)
}
