// A runtime in the foreground: our child, which is there as long as the process that it runs, and ends with its exit code.
import { type FSWatcher, watch } from 'node:fs'
import { EngineError } from '../../../errors.js'
import type { Labels } from '../../../model/common.js'
import { readSmall } from '../../host/small-files.js'
import { startTimeOf } from '../../host/tasks/claimant.js'
import type { CarriedExit } from '../../host/tasks/carrier.js'
import type { ProcessFiles } from '../../host/tasks/task-files.js'
import { complaints, pidIn } from '../oci-cli.js'
import type { LaunchPlan } from './launch.js'
import type { ChildStdio } from './child-stdio.js'
import type { LaunchedCommand, Launchers } from './launchers.js'

/** Below a process's directory. */
export const pidName = 'pid'
export const logName = 'runtime.log'
/** inotify may be exhausted: then the pid file is looked for this often. */
const lookMs = 50

export interface ChildPlan {
  readonly launchers: Launchers
  readonly plan: LaunchPlan
  readonly env: Labels
  readonly files: ProcessFiles
  readonly stdio: ChildStdio
}
/** As this host counts; absent for a process that was gone before its number could be read. */
export interface Released {
  readonly pid: number
  readonly startTime: string | undefined
}

export class RuntimeChild {
  /** Resolves when the process runs. Rejects with the runtime's own words when it never did. */
  readonly released: Promise<Released>
  /** How it ended. `exitStatus` of one that never ran is the runtime's. */
  readonly ended: Promise<CarriedExit>
  readonly #launched: LaunchedCommand
  readonly #stdio: ChildStdio
  #exit: CarriedExit | undefined

  constructor({ launchers, plan, env, files, stdio }: ChildPlan) {
    this.#stdio = stdio
    this.#launched = launchers.launch({ plan, env, descriptors: stdio.descriptors })
    this.ended = this.#launched.ended.then(
      // Ended by a signal it cannot tell how the process ends.
      ({ code }) =>
        (this.#exit = code === undefined ? { exitStatus: 255, exitedAt: undefined } : { exitStatus: code, exitedAt: new Date() }),
      () => (this.#exit = { exitStatus: 255, exitedAt: undefined }),
    )
    this.released = this.#release(files)
    this.released.catch(() => {})
  }
  get exit(): CarriedExit | undefined {
    return this.#exit
  }
  /** Resolves when all output is where it belongs. */
  async drained(): Promise<void> {
    // The end of a short run may be told before its pid file has been seen, and only then is its output moved.
    await this.released.catch(() => {})
    await this.#stdio.drained()
  }
  /** The runtime itself: what it runs is another's to kill. */
  kill(): void {
    this.#launched.kill()
  }

  async #release(files: ProcessFiles): Promise<Released> {
    const { ended } = this.#launched
    try {
      const pid = (await appearance(files, ended)) ?? pidIn(readSmall(files.path(pidName)))
      this.#stdio.handOver()
      if (pid !== undefined) {
        this.#stdio.start()
        return { pid, startTime: startTimeOf(pid) }
      }
      const { code = 'a signal', remark } = await ended
      const said = complaints(readSmall(files.path(logName)) ?? '') || this.#stdio.refuse().trim() || remark
      throw new EngineError('internal', said === '' ? `the runtime ended with ${code}` : said)
    } catch (error) {
      this.#stdio.handOver()
      this.#stdio.close()
      throw error
    }
  }
}

/** Both runtimes write the pid file when they have let the process go, and not when its command cannot be run. */
async function appearance(files: ProcessFiles, exited: Promise<unknown>): Promise<number | undefined> {
  const path = files.path(pidName)
  let watcher: FSWatcher | undefined
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<number | undefined>((resolve, reject) => {
      const look = (): void => {
        const pid = pidIn(readSmall(path))
        if (pid !== undefined) resolve(pid)
      }
      try {
        watcher = watch(files.directory, (_type, name) => {
          if (name === null || name === pidName) look()
        })
        watcher.on('error', () => watcher?.close())
      } catch {
        // The timer looks.
      }
      timer = setInterval(look, lookMs)
      exited.then(() => {
        resolve(undefined)
      }, reject)
      look()
    })
  } finally {
    clearInterval(timer)
    watcher?.close()
  }
}
