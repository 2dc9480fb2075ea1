// Removes what owners left that are gone, and what is owned when its engine is closed.
import { isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { RepairReport } from '../../model/system.js'
import type { ContainerContext } from './container-context.js'
import { removeContainer } from './container-end.js'
import { isGone } from './owner.js'
import { listAnswer } from './wire/container.js'
import { ownerLabel } from './wire/labels.js'
import { parse } from './wire/parse.js'

type RepairContext = Pick<ContainerContext, 'calls' | 'dialect' | 'facts' | 'name' | 'owner' | 'signals' | 'supports' | 'trace'>

const closeMs = 30_000

export async function repairContainers(context: RepairContext, { signal }: CallOptions = {}): Promise<RepairReport> {
  const repaired: string[] = []
  const failed: { readonly what: string; readonly error: unknown }[] = []
  const query = { all: true, filters: context.dialect.containers.filtersLabels ? { label: [ownerLabel] } : undefined }
  const listed = parse(listAnswer, await context.calls.json('GET', '/containers/json', { query, signal }), 'GET /containers/json')
  await Promise.all(
    listed.map(async ({ Id, Labels }) => {
      const owner = Labels?.[ownerLabel]
      if (owner === undefined || !(await isGone(owner))) return
      try {
        await remove(context, Id, { signal })
        repaired.push(`removed container "${Id}", whose owner is gone`)
      } catch (error) {
        if (signal?.aborted === true) throw error
        failed.push({ what: `container "${Id}"`, error })
      }
    }),
  )
  return { repaired, failed }
}

/** In no order, each with its own deadline: what hangs is left to whoever connects next. */
export async function removeOwned(context: RepairContext): Promise<void> {
  const { owner, trace } = context
  await Promise.all(
    [...owner.owned].map(async (id) => {
      try {
        await remove(context, id, { signal: AbortSignal.timeout(closeMs) })
      } catch (error) {
        trace({ kind: 'undo', name: `remove owned container "${id}"`, error })
      }
    }),
  )
  owner.close()
}

/** One that another removes at this moment is success. */
async function remove(context: RepairContext, id: string, { signal }: CallOptions): Promise<void> {
  try {
    await removeContainer(context, id, { force: true, volumes: true, signal })
  } catch (error) {
    if (!isEngineError(error, 'not_found') && !isEngineError(error, 'conflict')) throw error
  }
}
