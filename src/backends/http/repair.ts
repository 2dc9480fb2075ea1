// Removes what owners left that are gone, and what is owned when its engine is closed.
import { isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { RepairReport } from '../../model/system.js'
import { type ContainerContext, containerSubject } from './container-context.js'
import { isGone } from './owner.js'
import { path } from './path.js'
import { listAnswer } from './wire/container.js'
import { ownerLabel } from './wire/labels.js'
import { parse } from './wire/parse.js'

type RepairContext = Pick<ContainerContext, 'calls' | 'trace' | 'owner'>

const closeMs = 30_000

export async function repairContainers({ calls }: Pick<RepairContext, 'calls'>, { signal }: CallOptions = {}): Promise<RepairReport> {
  const repaired: string[] = []
  const failed: { readonly what: string; readonly error: unknown }[] = []
  const query = { all: true, filters: { label: [ownerLabel] } }
  const listed = parse(listAnswer, await calls.json('GET', '/containers/json', { query, signal }), 'GET /containers/json')
  await Promise.all(
    listed.map(async ({ Id, Labels }) => {
      const owner = Labels?.[ownerLabel]
      if (owner === undefined || !(await isGone(owner))) return
      try {
        await remove({ calls }, Id, { signal })
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
export async function removeOwned({ calls, owner, trace }: RepairContext): Promise<void> {
  await Promise.all(
    [...owner.owned].map(async (id) => {
      try {
        await remove({ calls }, id, { signal: AbortSignal.timeout(closeMs) })
      } catch (error) {
        trace({ kind: 'undo', name: `remove owned container "${id}"`, error })
      }
    }),
  )
  owner.close()
}

/** One that another removes at this moment is success. */
async function remove({ calls }: Pick<RepairContext, 'calls'>, id: string, { signal }: CallOptions): Promise<void> {
  try {
    await calls.json('DELETE', path`/containers/${id}`, {
      query: { force: true, v: true },
      patient: true,
      subject: containerSubject(id),
      signal,
    })
  } catch (error) {
    if (!isEngineError(error, 'not_found') && !isEngineError(error, 'conflict')) throw error
  }
}
