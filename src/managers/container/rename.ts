import type { CallOptions } from '../../model/common.js'
import { Rollback } from '../../util/rollback.js'
import type { ContainerContext } from './context.js'
import { storedContainer } from './lookup.js'
import { releaseName, reserveName } from './names.js'

export type RenameDeps = Pick<ContainerContext, 'records' | 'names' | 'lock' | 'tryLock' | 'emit' | 'failedUndo'>

export async function renameContainer(deps: RenameDeps, id: string, name: string, options: CallOptions = {}): Promise<void> {
  await using _lock = await deps.lock(id, options)
  const stored = await storedContainer(deps, id, options)
  const before = stored.value.name
  if (before === name) return
  await using undo = new Rollback((failure) => {
    deps.failedUndo(failure)
  })
  undo.defer(`free the name "${name}"`, (cleanup) => releaseName(deps, name, id, cleanup))
  await reserveName(deps, name, id, options)
  await deps.records.replace(id, stored, { ...stored.value, name }, options)
  undo.keep()
  await releaseName(deps, before, id)
  await deps.emit('rename', { ...stored.value, name }, { before })
}
