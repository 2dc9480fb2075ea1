// What the verbs of containers share within one backend.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ContainerInfo } from '../../model/container.js'
import type { KeyedMutex } from '../../util/keyed-mutex.js'
import type { Subject } from './calls.js'
import type { HttpContext } from './context.js'
import type { Owner } from './owner.js'
import { path } from './path.js'
import type { SentSignals } from './signals.js'
import { type InspectAnswer, inspectAnswer } from './wire/container.js'
import { toContainerInfo } from './wire/container-info.js'
import { parse } from './wire/parse.js'

export interface ContainerContext extends HttpContext {
  readonly signals: SentSignals
  /** Verbs of this process on one container, in the order in which they were called. */
  readonly verbs: KeyedMutex
  readonly owner: Owner
}

/** Of SIGKILL. */
const killedCode = 137

export const containerSubject = (id: string): Subject => ({ kind: 'container', id })

export async function inspect(
  { calls, dialect }: Pick<HttpContext, 'calls' | 'dialect'>,
  ref: string,
  { signal }: CallOptions = {},
): Promise<InspectAnswer> {
  const answer = await calls.json('GET', path`/containers/${ref}/json`, { signal, subject: containerSubject(ref) })
  const parsed = parse(inspectAnswer, answer, 'GET /containers/{id}/json')
  const { OOMKilled, ExitCode } = parsed.State
  // A daemon may hear of the end before it hears that the kernel brought it about, and then says `false` for good.
  if (OOMKilled !== false || (dialect.containers.tellsInMemory && ExitCode !== killedCode)) return parsed
  return { ...parsed, State: { ...parsed.State, OOMKilled: undefined } }
}

export function toInfo({ signals }: Pick<ContainerContext, 'signals'>, answer: InspectAnswer): ContainerInfo {
  return toContainerInfo(answer, (exit) => signals.of(answer.Id, exit))
}

export function doesNotRun(id: string): EngineError {
  return new EngineError('failed_precondition', `container "${id}" does not run`, { subject: containerSubject(id) })
}
export function noContainer(id: string): EngineError {
  return new EngineError('not_found', `no container "${id}"`, { subject: containerSubject(id) })
}
