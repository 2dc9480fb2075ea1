// The first step of a run and of an exec: the place where its state is kept, its output files and its stdin, all at once.
import { randomBytes } from 'node:crypto'
import { EngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { ProcessRef } from '../../../model/process.js'
import type { StdioPlan } from '../../../ports/engine/tasks.js'
import { hasErrno } from '../../../util/fs-error.js'
import { type LogFile, createFiles, createRunFiles, removeFiles } from '../log-files.js'
import type { TailSource } from '../tail.js'
import { isAlive, ourselves } from './claimant.js'
import { type TaskContext, named, refOf, subjectOf } from './context.js'
import type { ProcessFiles, TaskState } from './task-files.js'
import type { CarriedProcess, CarriedStdio } from './carrier.js'

export interface Claim {
  readonly files: ProcessFiles
  readonly state: TaskState
  readonly stdio: CarriedStdio
  /** Open files, for the attachment: from the first byte. Empty without one. */
  readonly sources: readonly TailSource[]
  /** Files of the log that this run began. */
  readonly logFiles: readonly LogFile[]
}
export type NewState = Omit<TaskState, 'version' | 'claimant' | 'tty' | 'stdin' | 'stdout' | 'stderr' | 'log'>

export interface ClaimRequest {
  readonly ref: ProcessRef
  /** Where it is to be. */
  readonly files: ProcessFiles
  readonly plan: StdioPlan
  readonly about: NewState
}

export function newToken(): string {
  return randomBytes(5).toString('hex')
}

/** Throws `already_exists` when it is taken; what the dead left half-made is cleared away first. On failure nothing is left. */
export async function claim(context: TaskContext, { ref, files, plan, about }: ClaimRequest, options: CallOptions): Promise<Claim> {
  const claimant = await ourselves()
  const prepared = await context.files.prepare(newToken(), claimant, files)
  const undo: (() => Promise<unknown>)[] = [() => prepared.remove()]
  try {
    const output = await openOutput(plan, prepared, files, undo)
    const [stdout, stderr] = output.files.map(({ path }) => path)
    const stdin = plan.stdin ? files.path('stdin') : undefined
    if (stdin !== undefined) await context.makeFifo(prepared.path('stdin'))
    const state: TaskState = {
      version: 1,
      ...about,
      claimant,
      tty: plan.tty,
      stdin,
      stdout,
      stderr,
      log: output.log,
    }
    for (let attempt = 1; !(await context.files.claim(prepared, files, state)); attempt += 1) {
      if (attempt === 3 || !(await clearStale(context, files, options)))
        throw new EngineError('already_exists', `${named(ref)} has a task`, { subject: subjectOf(ref) })
      options.signal?.throwIfAborted()
    }
    return { files, state, stdio: stdioOf(state), sources: output.sources, logFiles: output.log === undefined ? [] : output.files }
  } catch (error) {
    for (const step of undo.reverse()) await step().catch(() => {})
    if (hasErrno(error, 'ENOENT') && ref.execId !== undefined)
      throw new EngineError('failed_precondition', `container "${ref.containerId}" does not run`, { cause: error })
    throw error
  }
}

interface Output {
  readonly files: readonly LogFile[]
  readonly log?: string | undefined
  readonly sources: readonly TailSource[]
}
async function openOutput(
  plan: StdioPlan,
  prepared: ProcessFiles,
  target: ProcessFiles,
  undo: (() => Promise<unknown>)[],
): Promise<Output> {
  const log = plan.log === undefined || plan.log.driver === 'none' ? undefined : plan.log.directory
  if (log === undefined && !plan.attach) return { files: [], sources: [] }
  const streams = plan.tty ? (['stdout'] as const) : (['stdout', 'stderr'] as const)
  const made =
    log !== undefined
      ? await createRunFiles(log, plan.tty)
      : {
          files: streams.map((stream) => ({ stream, path: target.path(stream) })),
          opened: await createFiles(streams.map((stream) => ({ stream, path: prepared.path(stream) }))),
        }
  undo.push(async () => {
    if (log !== undefined) await removeFiles(made.files)
  })
  if (!plan.attach) {
    await Promise.all(made.opened.map((file) => file.close()))
    return { files: made.files, log, sources: [] }
  }
  undo.push(() => Promise.all(made.opened.map((file) => file.close())))
  const sources = made.opened.map((file, index) => ({ ...(made.files[index] as LogFile), file, position: 0 }))
  return { files: made.files, log, sources }
}

// All or none, says the shim; a file that is no FIFO it just opens and writes.
export function stdioOf({ tty, stdin, stdout, stderr }: TaskState): CarriedStdio {
  if (!tty && stdin === undefined && stdout === undefined) return { tty }
  return { tty, stdin, stdout: stdout ?? '/dev/null', ...(!tty && { stderr: stderr ?? '/dev/null' }) }
}

/** False: it is somebody's. */
async function clearStale(context: TaskContext, files: ProcessFiles, options: CallOptions): Promise<boolean> {
  const state = await files.state()
  if (state !== undefined) {
    if (!(await isHalfMade(context, files, state, () => context.carrier.find(state, options)))) return false
    await context.carrier.destroy(state, options)
    context.trace({ kind: 'repair', name: `half-made task of ${named(refOf(state))}` })
  }
  await files.remove()
  return true
}
/** Claimed, never started, and nobody is at it any more. `find` asks the carrier for it. */
export async function isHalfMade(
  { making }: TaskContext,
  files: ProcessFiles,
  state: TaskState,
  find: () => Promise<CarriedProcess | undefined>,
): Promise<boolean> {
  if ((await files.exit(state)) !== undefined) return false
  const { pid, startTime } = await ourselves()
  const ours = state.claimant.pid === pid && state.claimant.startTime === startTime
  if (ours ? making.has(makingKey(state)) : await isAlive(state.claimant)) return false
  const process = await find()
  return process === undefined ? !(await files.started()) : process.status === 'created'
}
export function makingKey({ wireId, execId = '' }: Pick<TaskState, 'wireId' | 'execId'>): string {
  return `${wireId}/${execId}`
}
