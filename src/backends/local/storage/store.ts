// What every part of the storage works with, and where things lie.
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Digest, Labels } from '../../../model/common.js'
import type { Trace } from '../../../model/trace.js'
import { digestAlgorithm, digestHex } from '../../../oci/digest.js'
import type { Locks } from '../../../ports/engine/locks.js'
import type { RecordStore } from '../../../ports/engine/records.js'
import type { ImageRecord } from '../../../ports/engine/storage.js'
import type { DiskSync } from './disk-sync.js'
import type { StorageShell } from './storage-shell.js'
import type { Trash } from './trash.js'

export type Kept =
  | { readonly kind: 'blob'; readonly digest: Digest }
  | { readonly kind: 'snapshot'; readonly snapshotter: string; readonly key: string }

export interface Store {
  readonly places: Places
  readonly locks: Pick<Locks, 'acquire' | 'tryAcquire'>
  /** Of blobs, by digest. */
  readonly labels: RecordStore<Labels>
  readonly names: RecordStore<ImageRecord>
  readonly disk: DiskSync
  readonly shell: StorageShell
  readonly trash: Trash
  /** While the storage is held. */
  readonly hold?: { keep(kept: Kept): Promise<void> } | undefined
  /** Announced before each step that another process can see; for tests of crashes. */
  step(name: string): Promise<void>
  /** Never throws. */
  readonly trace: Trace
}

/** All below one directory. */
export class Places {
  readonly directory: string
  /** Parts of blobs that are not whole. */
  readonly ingests: string
  readonly holds: string
  /** What a collection has hidden and may bring back. */
  readonly doomed: string
  /** What nobody looks for any more. */
  readonly trash: string
  /** Where mounts are made that only children of ours see. */
  readonly mounts: string
  constructor(directory: string) {
    this.directory = directory
    this.ingests = join(directory, 'ingests')
    this.holds = join(directory, 'holds')
    this.doomed = join(directory, 'doomed')
    this.trash = join(directory, 'trash')
    this.mounts = join(directory, 'mnt')
  }
  blobs(algorithm: 'sha256' | 'sha512'): string {
    return join(this.directory, 'blobs', algorithm)
  }
  blob(digest: Digest): string {
    return join(this.blobs(digestAlgorithm(digest)), digestHex(digest))
  }
  /** The same for all who write this blob, so that one can go on where another has died. */
  part(digest: Digest): string {
    return join(this.ingests, `${digestAlgorithm(digest)}-${digestHex(digest)}`)
  }
  snapshots(snapshotter: string): string {
    return join(this.directory, snapshotter)
  }
  async make(snapshotters: readonly string[]): Promise<void> {
    const fixed = [this.blobs('sha256'), this.blobs('sha512'), this.ingests, this.holds, this.doomed, this.trash]
    const all = [...fixed, ...snapshotters.map((name) => join(this.snapshots(name), 'names'))]
    for (const path of all) await mkdir(path, { recursive: true, mode: 0o700 })
  }
}

/** Held while one writes a blob. */
export const ingestLock = (id: string): string => `ingest/${id}`
/** Held while names, holds that end, and collections change what is kept. */
export const keepLock = 'storage/keep'

/** After it a new name in the directory outlives a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}
