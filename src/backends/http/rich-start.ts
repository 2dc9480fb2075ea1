// A rich container needs a runtime that puts an init in front of the command. One that does not know of it says nothing: so it is looked at.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import { type ContainerContext, containerSubject, inspect } from './container-context.js'
import { stopContainer } from './container-end.js'
import { path } from './path.js'
import { toContainerSpec } from './wire/container-spec.js'
import { parse } from './wire/parse.js'
import { toProcesses, topAnswer } from './wire/top.js'

/** Throws `failed_precondition`, and the container is stopped again, when its first process is no init. One that has ended is not judged. */
export async function checkRich(context: ContainerContext, id: string, options: CallOptions = {}): Promise<void> {
  const inits = context.dialect.containers.richInits
  if (inits === undefined) return
  const answer = await inspect(context, id, options)
  const { rich } = toContainerSpec(answer)
  if (rich === undefined) return
  const first = await firstProgram(context, id, answer.State.Pid ?? 0)
  if (first === undefined || inits[rich.mode]?.includes(first.replace(/^.*\//, '')) === true) return
  await stopContainer(context, id, { graceMs: 0 })
  throw new EngineError(
    'failed_precondition',
    `container "${id}" is rich in the mode "${rich.mode}", but the daemon's runtime made "${first}" its first process`,
    { subject: containerSubject(id) },
  )
}

async function firstProgram({ calls, dialect }: ContainerContext, id: string, pid: number): Promise<string | undefined> {
  try {
    const query = { ps_args: dialect.containers.topArguments }
    const answer = await calls.json('GET', path`/containers/${id}/top`, { query, subject: containerSubject(id) })
    return toProcesses(parse(topAnswer, answer, 'GET /containers/{id}/top')).find((one) => one.pid === pid)?.command[0]
  } catch (error) {
    if (isEngineError(error, 'failed_precondition') || isEngineError(error, 'not_found')) return undefined
    throw error
  }
}
