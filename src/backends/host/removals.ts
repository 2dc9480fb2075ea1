// What nobody is to see any more goes out of sight at once, by a rename, and from the file system a little later, many at once and
// by a program: taking a tree away is a system call for each part of it, and each would take a turn of its own here.
import { randomBytes } from 'node:crypto'
import { readdirSync, renameSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isEngineError } from '../../errors.js'
import type { Trace } from '../../model/trace.js'
import { hasErrno, hasNoRoom } from '../../util/fs-error.js'
import { openRootedFs } from '../../util/rooted-fs.js'
import { type ProgramRunner, runProgram } from './programs.js'
import { startTimeOf } from './tasks/claimant.js'

/** What comes within this time goes together: a program for each would take longer than its work. */
const gatherMs = 1_000
/** So many are one command's work; who brings more waits for it. */
const most = 256
const hiddenPrefix = '.removed-'
const hiddenName = /^\.removed-(\d+)-(\d*)-/

/** Several may remove the same at once. What cannot go is traced, and found by whoever opens the root next. */
export class Removals {
  readonly #trace: Trace
  readonly #run: ProgramRunner
  readonly #waiting: string[] = []
  #timer: NodeJS.Timeout | undefined
  #working: Promise<void> = Promise.resolve()
  constructor(trace: Trace = () => {}, run: ProgramRunner = runProgram) {
    this.#trace = trace
    this.#run = run
  }

  async now(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      try {
        await rm(path, { recursive: true, force: true })
      } catch {
        await this.#removeDeep(path)
      }
    }
  }
  /** Out of sight when it resolves. Absent is success. */
  async discard(path: string): Promise<void> {
    let hidden: string | undefined
    try {
      hidden = hide(path)
    } catch (error) {
      // A full disk may have no room for another name.
      if (!hasNoRoom(error)) throw error
      await rm(path, { recursive: true, force: true })
    }
    if (hidden !== undefined) await this.later([hidden])
  }
  async later(paths: readonly string[]): Promise<void> {
    this.#waiting.push(...paths)
    if (this.#waiting.length >= most) return this.#work()
    this.#timer ??= setTimeout(() => void this.#work(), gatherMs).unref()
  }
  /** Resolves when nothing waits any more. */
  async close(): Promise<void> {
    await this.#work()
  }

  #work(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const paths = this.#waiting.splice(0)
    if (paths.length > 0) this.#working = this.#working.then(() => this.#removeAll(paths))
    return this.#working
  }
  async #removeAll(paths: readonly string[]): Promise<void> {
    try {
      await this.#run('rm', ['-rf', '--', ...paths])
    } catch {
      await this.now(paths)
    }
  }
  /** Slower, but as deep as it may be, and whoever else is at it. */
  async #removeDeep(path: string): Promise<void> {
    try {
      await using tree = await openRootedFs(dirname(path))
      await tree.remove(`/${basename(path)}`)
    } catch (error) {
      if (!isEngineError(error, 'not_found')) this.#trace({ kind: 'undo', name: `remove "${path}"`, error })
    }
  }
}

/** Under a name beside it that only this process has. `undefined`: it is not there. */
export function hide(path: string): string | undefined {
  const { pid } = process
  const hidden = join(dirname(path), `${hiddenPrefix}${pid}-${ownStartTime()}-${randomBytes(6).toString('hex')}`)
  try {
    renameSync(path, hidden)
    return hidden
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
export function isHidden(name: string): boolean {
  return name.startsWith(hiddenPrefix)
}
/** Of a hidden name: the one that hid it removes it no more. */
export function isAbandoned(name: string): boolean {
  const [, pid, startTime] = hiddenName.exec(name) ?? []
  return pid === undefined || startTimeOf(Number(pid)) !== startTime
}
/** What the dead have hidden in a directory. */
export function abandonedIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => isHidden(name) && isAbandoned(name))
      .map((name) => join(directory, name))
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return []
    throw error
  }
}
let startTime: string | undefined
function ownStartTime(): string {
  return (startTime ??= startTimeOf(process.pid) ?? '')
}
