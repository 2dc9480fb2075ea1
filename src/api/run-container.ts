import { EngineError } from '../errors.js'
import type { ContainerSpec } from '../model/container-spec.js'
import type { Backend } from '../ports/backend/backend.js'
import { unlessUndoHangs } from '../util/patient-abort.js'
import { type CommandResult, type RunOptions, converse } from './command.js'
import { removeOwned } from './owned.js'

/**
 * An owned container for one command. However this settles, the container is removed before; if the engine is closed meanwhile, by the end of its closing,
 * and if the call is aborted and nothing answers any more, with the engine or by `repair`.
 */
export async function runContainer(backend: Backend, spec: ContainerSpec, options: RunOptions): Promise<CommandResult> {
  return await unlessUndoHangs(runToRemoval(backend, spec, options), options.signal)
}

async function runToRemoval(backend: Backend, spec: ContainerSpec, options: RunOptions): Promise<CommandResult> {
  const { signal } = options
  const stdin = options.stdin !== undefined || spec.stdin === true
  const id = await backend.containers.create({ ...ownedSpec(spec), pull: spec.pull ?? 'missing', stdin }, { signal })
  try {
    const io = await backend.containers.start(id, { attach: { stdin }, signal })
    if (io === undefined) throw new EngineError('internal', `backend "${backend.name}" gave no streams for container "${id}"`)
    try {
      return await converse(
        { what: `container "${spec.name ?? id}"`, io, stdin, wait: async (o) => backend.containers.wait(id, o) },
        options,
      )
    } finally {
      await io.close()
    }
  } finally {
    await removeOwned(backend, id)
  }
}

export function ownedSpec(spec: ContainerSpec): ContainerSpec {
  if (spec.lifetime === 'detached')
    throw new EngineError('invalid_argument', 'lifetime: what "run" and "createOwned" make is always "owned"')
  return { ...spec, lifetime: 'owned' }
}
