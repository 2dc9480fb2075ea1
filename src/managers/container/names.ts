// Names of containers: a record each, so that two processes cannot give one name twice.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ContainerContext } from './context.js'
import type { NameRecord } from './record.js'

type NameDeps = Pick<ContainerContext, 'names' | 'records' | 'tryLock'>

/** Throws `already_exists` naming who has it. A name that a crash left behind is taken over. */
export async function reserveName(deps: NameDeps, name: string, containerId: string, options: CallOptions = {}): Promise<void> {
  const record: NameRecord = { version: 1, name, containerId }
  for (;;) {
    try {
      await deps.names.create(name, record, options)
      return
    } catch (error) {
      if (!isEngineError(error, 'already_exists') || !(await freeStaleName(deps, name, options))) throw taken(name, error)
    }
  }
}

/** True when the name belongs to no container and nobody is making one: it is free now. */
export async function freeStaleName(deps: NameDeps, name: string, options: CallOptions = {}): Promise<boolean> {
  const found = await deps.names.find(name, options)
  if (found === undefined) return true
  const { containerId } = found.value
  await using lock = await deps.tryLock(containerId, options)
  if (lock === undefined) return false
  const record = await deps.records.find(containerId, options)
  if (record?.value.name === name) return false
  const again = await deps.names.find(name, options)
  if (again?.value.containerId !== containerId) return false
  await deps.names.delete(name, options)
  return true
}

/** Takes the name away, if it is still this container's. */
export async function releaseName(
  deps: Pick<NameDeps, 'names'>,
  name: string,
  containerId: string,
  options: CallOptions = {},
): Promise<void> {
  const found = await deps.names.find(name, options)
  if (found?.value.containerId === containerId) await deps.names.delete(name, options)
}

function taken(name: string, cause: unknown): unknown {
  return isEngineError(cause, 'already_exists') ? new EngineError('already_exists', `container name "${name}" is taken`, { cause }) : cause
}
