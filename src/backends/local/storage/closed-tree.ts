// Mounts that nobody else sees, in which no symbolic link leads anywhere.
import type { CallOptions, Mount } from '../../../model/common.js'
import type { MountedTree } from '../../../ports/engine/host.js'
import { mountPrivately } from '../../host/private-mount.js'

export interface ClosedTreeOptions extends CallOptions {
  /** An empty directory, made if need be. */
  readonly place: string
}

/** Whoever else uses the snapshot may go on changing it. A kernel or a mount command without `nosymfollow` does without. */
export async function openClosedTree(mounts: readonly Mount[], { place, signal }: ClosedTreeOptions): Promise<MountedTree> {
  const closed = mounts.map((mount) => ({ ...mount, options: [...mount.options, 'nosymfollow'] }))
  try {
    return await mountPrivately(place, closed, { signal })
  } catch {
    signal?.throwIfAborted()
    return mountPrivately(place, mounts, { signal })
  }
}
