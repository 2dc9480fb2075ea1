// Frees what nobody can see any more.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isEngineError } from '../../../errors.js'
import { openRootedFs } from '../../../util/rooted-fs.js'
import { removeSmallTree } from '../../host/small-files.js'
import type { Store } from './store.js'

/** Several may do it at once. What cannot go is traced, and tried again by the next one. */
export async function emptyTrash({ places, trace }: Store, names?: readonly string[]): Promise<void> {
  const all = names ?? (await readdir(places.trash))
  if (all.length === 0) return
  for (const name of all) {
    const path = join(places.trash, name)
    try {
      // What a container that did little has written.
      if (removeSmallTree(path)) continue
      await rm(path, { recursive: true, force: true })
    } catch {
      await removeDeep(places.trash, name, trace)
    }
  }
}

/** Slower, but as deep as it may be, and whoever else is at it. */
async function removeDeep(trash: string, name: string, trace: Store['trace']): Promise<void> {
  try {
    await using tree = await openRootedFs(trash)
    await tree.remove(`/${name}`)
  } catch (error) {
    if (!isEngineError(error, 'not_found')) trace({ kind: 'undo', name: `remove "${name}" from the trash`, error })
  }
}
