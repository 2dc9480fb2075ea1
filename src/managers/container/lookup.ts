// From what a user calls a container to its record.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { Stored } from '../../ports/engine/records.js'
import type { ContainerContext } from './context.js'
import type { ContainerRecord } from './record.js'

const wholeId = /^[0-9a-f]{64}$/
const beginningOfId = /^[0-9a-f]{1,63}$/

/** By id; `not_found` when there is none. One that is being removed is there until it is gone. */
export async function storedContainer(
  { records }: { readonly records: Pick<ContainerContext['records'], 'find'> },
  id: string,
  options: CallOptions = {},
): Promise<Stored<ContainerRecord>> {
  const stored = await records.find(id, options)
  if (stored === undefined) throw new EngineError('not_found', `no container "${id}"`, { subject: { kind: 'container', id } })
  return stored
}

/** By id, name or unambiguous beginning of an id, in this order. */
export async function findContainer(
  deps: Pick<ContainerContext, 'records' | 'names'>,
  ref: string,
  options: CallOptions = {},
): Promise<Stored<ContainerRecord>> {
  if (wholeId.test(ref)) return storedContainer(deps, ref, options)
  const named = await deps.names.find(ref, options)
  const byName = named && (await deps.records.find(named.value.containerId, options))
  if (byName !== undefined) return byName
  return byBeginning(deps, ref, options)
}

async function byBeginning(
  { records }: Pick<ContainerContext, 'records'>,
  ref: string,
  options: CallOptions,
): Promise<Stored<ContainerRecord>> {
  let found: Stored<ContainerRecord> | undefined
  if (beginningOfId.test(ref)) {
    for await (const stored of records.list(options)) {
      if (!stored.value.id.startsWith(ref)) continue
      if (found !== undefined) throw new EngineError('invalid_argument', `container "${ref}" is ambiguous: it begins several ids`)
      found = stored
    }
  }
  if (found === undefined) throw new EngineError('not_found', `no container "${ref}"`, { subject: { kind: 'container', id: ref } })
  return found
}
