// What one in-memory store holds, shared by all who stand for processes on it, and what its collection may take.
import type { ContentReference } from '../../ports/engine/content.js'
import type { Digest, Labels, Mount } from '../../model/common.js'
import type { ImageRecord } from '../../ports/engine/storage.js'
import { KeyedMutex } from '../../util/keyed-mutex.js'
import { SharedTrees } from './mounted-tree.js'
import type { Tree } from './tree.js'

export interface Blob {
  readonly bytes: Uint8Array
  readonly references: readonly ContentReference[]
  /** Repositories it came from. */
  readonly sources: readonly string[]
}
export interface MemorySnapshot {
  readonly key: string
  readonly parent: string | undefined
  readonly kind: 'active' | 'view' | 'committed'
  readonly labels: Labels
  readonly tree: Tree
  /** Unpacked before its parent was told: to be applied over that one. */
  readonly later?: readonly Uint8Array[] | undefined
}
/** What a held storage has written or found. */
export interface Lease {
  readonly blobs: Set<Digest>
  readonly snapshots: Set<string>
  /** Says so when the process that holds it is gone. */
  readonly isDead: () => boolean
}

export class MemoryState {
  readonly blobs: Map<Digest, Blob> = new Map()
  readonly parts: Map<Digest, Uint8Array> = new Map()
  readonly snapshots: Map<string, MemorySnapshot> = new Map()
  readonly images: Map<string, ImageRecord> = new Map()
  readonly leases: Set<Lease> = new Set()
  /** One writer per digest at a time. */
  readonly writers: KeyedMutex = new KeyedMutex()
  /** Snapshots that somebody has as real files. */
  readonly trees: SharedTrees = new SharedTrees()

  /** Removes what no image, active snapshot or lease keeps; returns how many bytes that were. */
  collect(bytesOf: (snapshot: MemorySnapshot) => number): number {
    const blobs = new Set<Digest>()
    const snapshots = new Set<string>()
    const keepSnapshot = (key: string | undefined): void => {
      for (let next = key; next !== undefined && !snapshots.has(next); next = this.snapshots.get(next)?.parent) snapshots.add(next)
    }
    const keepBlob = (digest: Digest): void => {
      if (blobs.has(digest)) return
      blobs.add(digest)
      for (const reference of this.blobs.get(digest)?.references ?? []) {
        if (reference.kind === 'snapshot') keepSnapshot(reference.name)
        else keepBlob(reference.digest)
      }
    }
    for (const { target } of this.images.values()) keepBlob(target.digest)
    for (const lease of this.leases) {
      lease.blobs.forEach(keepBlob)
      lease.snapshots.forEach(keepSnapshot)
    }
    for (const { key, kind } of this.snapshots.values()) if (kind !== 'committed') keepSnapshot(key)
    let freed = 0
    for (const [digest, { bytes }] of this.blobs) {
      if (blobs.has(digest)) continue
      freed += bytes.byteLength
      this.blobs.delete(digest)
    }
    const gone = [...this.snapshots.values()].filter(({ key }) => !snapshots.has(key))
    for (const snapshot of gone) freed += bytesOf(snapshot)
    for (const { key } of gone) this.snapshots.delete(key)
    return freed
  }
}

export const mountType = 'memory'
export function mountOf({ key, kind }: MemorySnapshot): readonly Mount[] {
  return [{ type: mountType, source: key, options: kind === 'active' ? [] : ['ro'] }]
}
