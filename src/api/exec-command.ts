import { EngineError } from '../errors.js'
import type { ExecSpec } from '../model/exec.js'
import type { Backend } from '../ports/backend/backend.js'
import { raceAbort } from '../util/abort.js'
import { unlessUndoHangs } from '../util/patient-abort.js'
import { type CommandResult, type RunOptions, converse } from './command.js'

const killDeadlineMs = 10_000

/** A further process to its end. If the call fails or is aborted, the process is killed where the backend can (`exec_kill`). */
export async function execCommand(backend: Backend, containerId: string, spec: ExecSpec, options: RunOptions): Promise<CommandResult> {
  return await unlessUndoHangs(execToEnd(backend, containerId, spec, options), options.signal)
}

async function execToEnd(backend: Backend, containerId: string, spec: ExecSpec, options: RunOptions): Promise<CommandResult> {
  const { signal } = options
  const stdin = options.stdin !== undefined
  const id = await backend.execs.create(containerId, { ...spec, stdin }, { signal })
  let ended = false
  try {
    const io = await backend.execs.start(id, { attach: { stdin }, signal })
    if (io === undefined) throw new EngineError('internal', `backend "${backend.name}" gave no streams for exec "${id}"`)
    try {
      const wait: typeof backend.execs.wait = async (...asked) => {
        const exit = await backend.execs.wait(...asked)
        ended = true
        return exit
      }
      return await converse(
        { what: `${JSON.stringify(spec.command.join(' '))} in container "${containerId}"`, io, stdin, wait: (o) => wait(id, o) },
        options,
      )
    } finally {
      await io.close()
    }
  } finally {
    if (!ended) await killExec(backend, id)
  }
}

/** Never rejects. One that never started, has ended or cannot be killed is left as it is. */
export async function killExec(backend: Backend, id: string): Promise<void> {
  if (!backend.supports('exec_kill')) return
  const signal = AbortSignal.timeout(killDeadlineMs)
  try {
    await raceAbort(backend.execs.kill(id, 'SIGKILL', { signal }), signal)
  } catch {
    /* traced by the backend */
  }
}
