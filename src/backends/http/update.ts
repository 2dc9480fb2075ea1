// Changes a container that is there.
import type { CallOptions } from '../../model/common.js'
import type { ContainerChange } from '../../model/container.js'
import { needsOfChange } from '../../ports/backend/needs.js'
import { type ContainerContext, containerSubject, inspect } from './container-context.js'
import { requireNeeds, unsupported } from './context.js'
import { path } from './path.js'
import type { InspectHostConfig } from './wire/container.js'
import { type Json, toResources } from './wire/create-body.js'

type UpdateContext = Pick<ContainerContext, 'calls' | 'dialect' | 'name' | 'supports'>

export async function updateContainer(context: UpdateContext, id: string, change: ContainerChange, options: CallOptions): Promise<void> {
  requireNeeds(context, needsOfChange(change))
  if (change.resources?.ulimits !== undefined) throw unsupported(context.name, 'a change of "resources.ulimits"')
  const { extendUpdate, refuseChange } = context.dialect.containers
  const { HostConfig } = await inspect(context, id, options)
  refuseChange?.(change)
  const plain = { ...toResources(change.resources ?? {}), ...swapWith(HostConfig, change), ...restart(change) }
  for (const body of extendUpdate?.(plain, change) ?? [plain])
    await context.calls.json('POST', path`/containers/${id}/update`, { body, subject: containerSubject(id), ...options })
}

/** The daemon fills in twice the memory where nobody says what swap may be, but only once: it then refuses a memory beyond that. */
function swapWith({ Memory, MemorySwap }: InspectHostConfig, { resources }: ContainerChange): Json {
  const memory = resources?.memoryBytes
  if (memory === undefined || resources?.memorySwapBytes !== undefined) return {}
  const filledIn = (MemorySwap ?? 0) === 0 || MemorySwap === 2 * (Memory ?? 0)
  return filledIn ? { MemorySwap: 2 * memory } : {}
}
function restart({ restart: policy }: ContainerChange): Json {
  if (policy === undefined) return {}
  return { RestartPolicy: { Name: policy.policy, MaximumRetryCount: policy.policy === 'on-failure' ? (policy.maxRetries ?? 0) : 0 } }
}
