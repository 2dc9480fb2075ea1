// What is stored of a task, for all processes on the root: `<root>/tasks/<id>/`, and the same below it for each exec.
import { randomBytes } from 'node:crypto'
import { appendFile, link, mkdir, readFile, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import type { ExitStatus, ProcessRef, Signal } from '../../../model/process.js'
import { encodeFileName } from '../../../util/file-name.js'
import { hasErrno } from '../../../util/fs-error.js'
import { once } from '../../../util/once.js'

/** Who makes a task, or an exec: tells the unfinished work of the dead from that of the living. */
export interface Claimant {
  readonly pid: number
  /** Clock ticks since boot, so that a number given again to another process is told apart. */
  readonly startTime: string
  readonly bootId: string
}
/** Written before the first call, and never changed. */
export interface TaskState {
  readonly version: 1
  readonly containerId: string
  readonly execId?: string | undefined
  /** The container's id at its carrier: another for each run, so that what is late about one run cannot touch the next. */
  readonly wireId: string
  readonly claimant: Claimant
  readonly runtime: string
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
  constructor(directory: string) {
    this.directory = directory
  }
  path(name: string): string {
    return join(this.directory, name)
  }

  /** `undefined`: not there. One that cannot be read is not there either: power was lost while it was written. */
  async state(): Promise<TaskState | undefined> {
    return schema().state.safeParse(await json(this.path('state.json'))).data
  }
  async started(): Promise<boolean> {
    return (await text(this.path('started'))) !== undefined
  }
  async markStarted(): Promise<void> {
    await writeFile(this.path('started'), '', { mode: 0o600 })
  }
  async exit({ wireId }: TaskState): Promise<ExitStatus | undefined> {
    const stored = schema().exit.safeParse(await json(this.path(exitName(wireId)))).data
    if (stored === undefined) return undefined
    const { signal, oomKilled, exitCode, lost } = stored
    return { exitCode, ...(signal !== undefined && { signal }), exitedAt: new Date(stored.exitedAt), oomKilled, lost }
  }
  /** The first to write wins; resolves with what stands. `undefined`: the directory is gone. */
  async storeExit(state: TaskState, exit: ExitStatus): Promise<ExitStatus | undefined> {
    const temporary = this.path(`.${randomBytes(6).toString('hex')}`)
    try {
      await writeFile(temporary, JSON.stringify(exit), { mode: 0o600, flag: 'wx' })
      await link(temporary, this.path(exitName(state.wireId)))
      return exit
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return undefined
      // A torn one is of before a power cut: it stays lost.
      if (hasErrno(error, 'EEXIST')) return (await this.exit(state)) ?? { ...exit, exitCode: 255, lost: true, signal: undefined }
      throw error
    } finally {
      await unlink(temporary).catch(() => {})
    }
  }
  /** Written before the signal is sent: who sees the end must be able to tell. */
  async addSignal(signal: Signal): Promise<void> {
    try {
      await appendFile(this.path('signals'), `${signal}\n`, { mode: 0o600 })
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error
    }
  }
  async signals(): Promise<readonly Signal[]> {
    return ((await text(this.path('signals'))) ?? '').split('\n').filter((line) => line !== '') as Signal[]
  }
  exec(execId: string): ProcessFiles {
    return new ProcessFiles(join(this.directory, 'execs', encodeFileName(execId)))
  }
  /** In one step for all who look. Absent is success. */
  async remove(): Promise<void> {
    const doomed = join(this.directory, '..', `.removed-${randomBytes(6).toString('hex')}`)
    try {
      await rename(this.directory, doomed)
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return
      throw error
    }
    await rm(doomed, { recursive: true, force: true })
  }
}

/** All tasks of a root. */
export class TaskFiles {
  readonly #directory: string
  constructor(directory: string) {
    this.#directory = directory
  }
  of({ containerId, execId }: ProcessRef): ProcessFiles {
    const task = new ProcessFiles(join(this.#directory, encodeFileName(containerId)))
    return execId === undefined ? task : task.exec(execId)
  }
  /** Those of every task that has a readable state. */
  async *list(): AsyncGenerator<{ readonly files: ProcessFiles; readonly state: TaskState }> {
    for (const name of await entries(this.#directory)) {
      if (name.startsWith('.')) continue
      const files = new ProcessFiles(join(this.#directory, name))
      const state = await files.state()
      if (state !== undefined) yield { files, state }
    }
  }
  /** What was being made or removed when somebody died, and what holds no readable state: power was lost. */
  async leftovers(alive: (pid: number, startTime: string) => Promise<boolean>): Promise<readonly ProcessFiles[]> {
    const found: ProcessFiles[] = []
    for (const name of await entries(this.#directory)) {
      const files = new ProcessFiles(join(this.#directory, name))
      const [, pid, startTime = ''] = /^\.new-(\d+)-(\d*)-/.exec(name) ?? []
      const left =
        pid !== undefined ? !(await alive(Number(pid), startTime)) : name.startsWith('.removed-') || (await files.state()) === undefined
      if (left) found.push(files)
    }
    return found
  }
  /** A place to write a state before it is claimed. */
  async prepare(token: string, { pid, startTime }: Claimant): Promise<ProcessFiles> {
    const files = new ProcessFiles(join(this.#directory, `.new-${pid}-${startTime}-${token}`))
    await mkdir(files.directory, { recursive: true, mode: 0o700 })
    return files
  }
  /** Whole at once, and for one only. False: there is one already. */
  async claim(prepared: ProcessFiles, target: ProcessFiles, state: TaskState): Promise<boolean> {
    await writeFile(prepared.path('state.json'), JSON.stringify(state), { mode: 0o600 })
    if (state.execId !== undefined) await mkdir(join(target.directory, '..'), { recursive: false, mode: 0o700 }).catch(ignoreExisting)
    try {
      await rename(prepared.directory, target.directory)
      return true
    } catch (error) {
      if (hasErrno(error, 'ENOTEMPTY') || hasErrno(error, 'EEXIST')) return false
      throw error
    }
  }
}

function ignoreExisting(error: unknown): void {
  if (!hasErrno(error, 'EEXIST')) throw error
}
function exitName(wireId: string): string {
  return `exit-${wireId.slice(wireId.lastIndexOf('-') + 1)}.json`
}
async function json(path: string): Promise<unknown> {
  try {
    return JSON.parse((await text(path)) ?? 'null')
  } catch {
    return undefined
  }
}
async function text(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ENOTDIR')) return undefined
    throw error
  }
}
async function entries(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return []
    throw error
  }
}
