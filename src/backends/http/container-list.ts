// Lists containers, each with all that `get` tells.
import { isEngineError } from '../../errors.js'
import type { ContainerInfo } from '../../model/container.js'
import type { ListContainersOptions } from '../../ports/backend/containers.js'
import { type ContainerContext, inspect, toInfo } from './container-context.js'
import { listAnswer } from './wire/container.js'
import { parse } from './wire/parse.js'

const atOnce = 16

export async function* listContainers(context: ContainerContext, options: ListContainersOptions = {}): AsyncGenerator<ContainerInfo> {
  const { all, labels = {}, names, status, signal } = options
  const query = {
    all: all === true || status !== undefined || !context.dialect.containers.listsPaused,
    filters: context.dialect.containers.filtersLabels ? labelFilter(labels) : undefined,
  }
  const answer = parse(listAnswer, await context.calls.json('GET', '/containers/json', { query, signal }), 'GET /containers/json')
  const wanted = answer.filter((one) => hasLabels(one.Labels ?? {}, labels) && hasName(one.Names ?? [], names))
  for (let from = 0; from < wanted.length; from += atOnce) {
    const infos = await Promise.all(wanted.slice(from, from + atOnce).map(({ Id }) => find(context, Id, options)))
    for (const info of infos) if (info !== undefined && isWanted(info, options)) yield info
  }
}

function labelFilter(labels: Readonly<Record<string, string>>): { readonly label: readonly string[] } | undefined {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
  return label.length === 0 ? undefined : { label }
}
function hasLabels(has: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => has[name] === value)
}
function hasName(has: readonly string[], wanted: readonly string[] | undefined): boolean {
  return wanted === undefined || has.some((name) => wanted.includes(name.replace(/^\//, '')))
}
/** By the same facts as `get`: the daemon's list has another idea of what a status is. */
function isWanted({ state }: ContainerInfo, { all, status }: ListContainersOptions): boolean {
  if (status !== undefined) return status.includes(state.status)
  return all === true || state.status === 'running' || state.status === 'paused'
}

/** One that went away meanwhile is left out. */
async function find(context: ContainerContext, id: string, { signal }: ListContainersOptions): Promise<ContainerInfo | undefined> {
  try {
    return toInfo(context, await inspect(context, id, { signal }))
  } catch (error) {
    if (isEngineError(error, 'not_found')) return undefined
    throw error
  }
}
