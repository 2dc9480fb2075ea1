// What the storage suites run on.
import type { Mount } from '../model/common.js'
import type { MountedTree } from '../ports/engine/host.js'
import type { Storage } from '../ports/engine/storage.js'

/** An empty store as two processes see it. */
export interface StorageSubject {
  readonly mine: Storage
  readonly theirs: Storage
  /** Their process ends as by SIGKILL: nothing of it is closed. */
  killTheirs(): Promise<void>
  /** What a snapshot's mounts show, to be read and written as files. */
  tree(mounts: readonly Mount[]): Promise<MountedTree>
}
