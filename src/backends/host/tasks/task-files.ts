// What is stored of a task, for all processes on the root: `<root>/tasks/<id>/`, and the same below it for each exec.
import { randomBytes } from 'node:crypto'
import { appendFileSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import * as z from 'zod/mini'
import type { ExitStatus, ProcessRef, Signal } from '../../../model/process.js'
import { encodeFileName } from '../../../util/file-name.js'
import { hasErrno, hasNoRoom } from '../../../util/fs-error.js'
import { once } from '../../../util/once.js'
import { hide, isAbandoned, isHidden, type Removals } from '../removals.js'
import { readSmall, removeSmall, writeSmall } from '../small-files.js'
import type { Claimant } from './claimant.js'

/** A process as the host counts. */
export interface StartedAs {
  readonly pid: number
  /** Clock ticks since boot. */
  readonly startTime: string
}
/** Below a task's directory, where its carrier mounts a root. */
export const rootName = 'rootfs'

/** Written before the first call, and never changed. */
export interface TaskState {
  readonly version: 1
  readonly containerId: string
  readonly execId?: string | undefined
  /** The container's id at its carrier: another for each run, so that what is late about one run cannot touch the next. */
  readonly wireId: string
  readonly claimant: Claimant
  readonly runtime: string
  /** How its carrier carries it: the carrier's own word. */
  readonly mode?: string | undefined
  readonly tty: boolean
  /** A FIFO. */
  readonly stdin?: string | undefined
  /** Absent: thrown away. */
  readonly stdout?: string | undefined
  readonly stderr?: string | undefined
  /** The directory that holds them, when that is a log's. */
  readonly log?: string | undefined
  readonly cgroup?: string | undefined
  /** Processes outlive init unless they are killed with it. */
  readonly sharedPids: boolean
  /** Of an exec: the count of the OOM killer when it began. */
  readonly oomBefore?: number | undefined
}

const schema = once(() => ({
  state: z.object({
    version: z.literal(1),
    containerId: z.string(),
    execId: z.optional(z.string()),
    wireId: z.string(),
    claimant: z.object({ pid: z.number(), startTime: z.string(), bootId: z.string() }),
    runtime: z.string(),
    mode: z.optional(z.string()),
    tty: z.boolean(),
    stdin: z.optional(z.string()),
    stdout: z.optional(z.string()),
    stderr: z.optional(z.string()),
    log: z.optional(z.string()),
    cgroup: z.optional(z.string()),
    sharedPids: z.boolean(),
    oomBefore: z.optional(z.number()),
  }),
  exit: z.object({
    exitCode: z.number(),
    signal: z.optional(z.templateLiteral(['SIG', z.string()])),
    exitedAt: z.string(),
    oomKilled: z.optional(z.boolean()),
    lost: z.boolean(),
  }),
}))

/** The directory of one process. Nothing in it is read that its state does not name. */
export class ProcessFiles {
  readonly directory: string
  readonly #removals: Removals
  constructor(directory: string, removals: Removals) {
    this.directory = directory
    this.#removals = removals
  }
  path(name: string): string {
    return join(this.directory, name)
  }

  /** `undefined`: not there. One that cannot be read is not there either: power was lost while it was written. */
  async state(): Promise<TaskState | undefined> {
    return schema().state.safeParse(json(this.path('state.json'))).data
  }
  async started(): Promise<boolean> {
    return readSmall(this.path('started')) !== undefined
  }
  /** With whom to ask for when no carrier lives that knows it. */
  async markStarted(process?: StartedAs): Promise<void> {
    writeSmall(this.path('started'), process === undefined ? '' : `${process.pid} ${process.startTime}`)
  }
  /** `undefined`: not started, or its carrier knows. */
  async startedAs(): Promise<StartedAs | undefined> {
    const [, pid, startTime = ''] = /^(\d+) (\d+)$/.exec(readSmall(this.path('started')) ?? '') ?? []
    return pid === undefined ? undefined : { pid: Number(pid), startTime }
  }
  async exit({ wireId }: TaskState): Promise<ExitStatus | undefined> {
    const stored = schema().exit.safeParse(json(this.path(exitName(wireId)))).data
    if (stored === undefined) return undefined
    const { signal, oomKilled, exitCode, lost } = stored
    return { exitCode, ...(signal !== undefined && { signal }), exitedAt: new Date(stored.exitedAt), oomKilled, lost }
  }
  /** The first to write wins; resolves with what stands. `undefined`: the directory is gone. */
  async storeExit(state: TaskState, exit: ExitStatus): Promise<ExitStatus | undefined> {
    const temporary = this.path(`.${randomBytes(6).toString('hex')}`)
    try {
      // Not by way of writeSmall: it would make the directory that somebody has removed.
      writeFileSync(temporary, JSON.stringify(exit), { mode: 0o600, flag: 'wx' })
      linkSync(temporary, this.path(exitName(state.wireId)))
      return exit
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return undefined
      // A torn one is of before a power cut: it stays lost.
      if (hasErrno(error, 'EEXIST')) return (await this.exit(state)) ?? { ...exit, exitCode: 255, lost: true, signal: undefined }
      throw error
    } finally {
      removeSmall(temporary)
    }
  }
  /** Written before the signal is sent: who sees the end must be able to tell. Where there is no room the signal goes out all the same. */
  async addSignal(signal: Signal): Promise<void> {
    try {
      appendFileSync(this.path('signals'), `${signal}\n`, { mode: 0o600 })
    } catch (error) {
      if (!hasErrno(error, 'ENOENT') && !hasNoRoom(error)) throw error
    }
  }
  async signals(): Promise<readonly Signal[]> {
    return (readSmall(this.path('signals')) ?? '').split('\n').filter((line) => line !== '') as Signal[]
  }
  exec(execId: string): ProcessFiles {
    return new ProcessFiles(join(this.directory, 'execs', encodeFileName(execId)), this.#removals)
  }
  /** In one step for all who look. Absent is success. */
  async remove(): Promise<void> {
    const doomed = hide(this.directory)
    if (doomed === undefined) return
    // Never into the place of a root: what is mounted there is not ours to remove.
    try {
      rmdirSync(join(doomed, rootName))
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error
    }
    await this.#removals.later([doomed])
  }
}

/** All tasks of a root. */
export class TaskFiles {
  readonly #directory: string
  readonly #owned: string
  readonly #removals: Removals
  /** `owned`: of tasks that end with who started them. Default: with the others. */
  constructor(directory: string, removals: Removals, owned: string = directory) {
    this.#directory = directory
    this.#owned = owned
    this.#removals = removals
  }
  get directories(): readonly string[] {
    return [...new Set([this.#directory, this.#owned])]
  }
  of({ containerId, execId }: ProcessRef): ProcessFiles {
    const name = encodeFileName(containerId)
    const task = this.#owned !== this.#directory && existsSync(join(this.#owned, name)) ? this.#owned : this.#directory
    const files = this.#at(join(task, name))
    return execId === undefined ? files : files.exec(execId)
  }
  /** Where a task is to be that is not yet there. */
  place(containerId: string, lifetime: 'owned' | 'detached'): ProcessFiles {
    return this.#at(join(lifetime === 'owned' ? this.#owned : this.#directory, encodeFileName(containerId)))
  }
  /** Those of every task that has a readable state. */
  async *list(): AsyncGenerator<{ readonly files: ProcessFiles; readonly state: TaskState }> {
    for (const path of this.#entries()) {
      if (basename(path).startsWith('.')) continue
      const files = this.#at(path)
      const state = await files.state()
      if (state !== undefined) yield { files, state }
    }
  }
  /** What was being made or removed when somebody died, and what holds no readable state: power was lost. */
  async leftovers(alive: (pid: number, startTime: string) => Promise<boolean>): Promise<readonly ProcessFiles[]> {
    const found: ProcessFiles[] = []
    for (const path of this.#entries()) {
      const name = basename(path)
      const files = this.#at(path)
      const [, pid, startTime = ''] = /^\.new-(\d+)-(\d*)-/.exec(name) ?? []
      const left =
        pid !== undefined
          ? !(await alive(Number(pid), startTime))
          : isHidden(name)
            ? isAbandoned(name)
            : (await files.state()) === undefined
      if (left) found.push(files)
    }
    return found
  }
  /** A place to write a state before it is claimed: on the file system of `target`. */
  async prepare(token: string, { pid, startTime }: Claimant, target: ProcessFiles): Promise<ProcessFiles> {
    const directory = target.directory.startsWith(join(this.#owned, '/')) ? this.#owned : this.#directory
    const files = this.#at(join(directory, `.new-${pid}-${startTime}-${token}`))
    mkdirSync(files.directory, { recursive: true, mode: 0o700 })
    return files
  }
  /** Whole at once, and for one only. False: there is one already. */
  async claim(prepared: ProcessFiles, target: ProcessFiles, state: TaskState): Promise<boolean> {
    writeSmall(prepared.path('state.json'), JSON.stringify(state))
    if (state.execId !== undefined) makeOne(join(target.directory, '..'))
    try {
      renameSync(prepared.directory, target.directory)
      return true
    } catch (error) {
      if (hasErrno(error, 'ENOTEMPTY') || hasErrno(error, 'EEXIST')) return false
      throw error
    }
  }

  #at(path: string): ProcessFiles {
    return new ProcessFiles(path, this.#removals)
  }
  #entries(): readonly string[] {
    return this.directories.flatMap((directory) => entries(directory).map((name) => join(directory, name)))
  }
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw error
  }
}
function exitName(wireId: string): string {
  return `exit-${wireId.slice(wireId.lastIndexOf('-') + 1)}.json`
}
function json(path: string): unknown {
  try {
    return JSON.parse(text(path) ?? 'null')
  } catch {
    return undefined
  }
}
function text(path: string): string | undefined {
  try {
    return readSmall(path)
  } catch (error) {
    if (hasErrno(error, 'ENOTDIR')) return undefined
    throw error
  }
}
function entries(path: string): readonly string[] {
  try {
    return readdirSync(path)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return []
    throw error
  }
}
