// Small processes that start others for us. Node forks itself for each child, which takes as long as its memory is large, and
// everything else waits meanwhile. One that is there already forks in a fraction of that, and tells how its child ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { delimiter } from 'node:path'
import type { Socket } from 'node:net'
import { EngineError } from '../../../errors.js'
import { within } from '../../../util/abort.js'
import { programFolders } from '../../host/programs.js'
import { sendSignal } from './send-signal.js'
import { encodeWords, type LaunchOrder, type LauncherProgram } from './launcher-programs.js'

/** Whoever runs one container after the other finds one. */
const defaultIdleMs = 5_000
const mostIdle = 16
const endMs = 10_000
const sigkill = 9

export interface LaunchEnd {
  /** `undefined`: a signal ended it, or it was never started; what it ran may go on. */
  readonly code: number | undefined
  /** What there was to say of that, such as `Killed`. */
  readonly remark: string
}
export interface LaunchedCommand {
  /** Rejects when nothing can be started at all. */
  readonly ended: Promise<LaunchEnd>
  /** With what it has started in its own process group. */
  kill(): void
}

export class Launchers {
  readonly #all: Set<Launcher> = new Set()
  readonly #idle: Launcher[] = []
  readonly #program: LauncherProgram
  readonly #idleMs: number
  #closed = false

  /** `idleMs`: how long one waits for the next order. */
  constructor(program: LauncherProgram, { idleMs = defaultIdleMs }: { readonly idleMs?: number } = {}) {
    this.#program = program
    this.#idleMs = idleMs
  }
  launch(order: LaunchOrder): LaunchedCommand {
    const words = this.#program.words(order)
    const launcher = this.#waiting() ?? this.#start()
    const ended = launcher.run(words)
    const goOn = (): void => {
      if (!launcher.takesOrders) return
      if (this.#closed || this.#idle.length >= mostIdle) launcher.end()
      else this.#idle.push(launcher)
    }
    ended.then(goOn, goOn)
    return { ended, kill: () => launcher.kill() }
  }
  /** A program for its effect, with nothing to read and nothing to say. Rejects when it fails. */
  async run(file: string, args: readonly string[]): Promise<void> {
    const plan = { program: file, args, mounts: [], table: '' }
    const { code, remark } = await this.launch({ plan, env: {}, descriptors: ['ignore', 'ignore', 'ignore'] }).ended
    if (code !== 0) throw new EngineError('internal', `"${file}" ended with ${code ?? remark}`, { exitCode: code })
  }
  /** Resolves when none is left, or after ten seconds. Those that still run something end after it. */
  async close(): Promise<void> {
    this.#closed = true
    for (const launcher of this.#idle.splice(0)) launcher.end()
    await within(endMs, () => Promise.all([...this.#all].map(({ gone }) => gone)))
  }

  /** One whose time is up has been told to end, and may not have done so yet. */
  #waiting(): Launcher | undefined {
    for (let launcher = this.#idle.pop(); launcher !== undefined; launcher = this.#idle.pop()) if (launcher.takesOrders) return launcher
    return undefined
  }
  #start(): Launcher {
    const launcher = new Launcher(this.#program, this.#idleMs)
    this.#all.add(launcher)
    void launcher.gone.then(() => {
      this.#all.delete(launcher)
      const at = this.#idle.indexOf(launcher)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    return launcher
  }
}

class Launcher {
  /** Resolves when the process has ended. */
  readonly gone: Promise<void>
  readonly #child: ChildProcess
  readonly #idleMs: number
  #takesOrders = true
  #answer = ''
  #running: { settle(end: LaunchEnd): void; fail(error: unknown): void } | undefined
  #idleTimer: NodeJS.Timeout | undefined

  constructor({ file, args }: LauncherProgram, idleMs: number) {
    this.#idleMs = idleMs
    this.#child = spawn(file, args, {
      cwd: '/',
      env: { PATH: programFolders().join(delimiter), LC_ALL: 'C' },
      stdio: ['pipe', 'pipe', 'ignore'],
      // Signals of a terminal are for us, and a container's end is our affair.
      detached: true,
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#listen(text)
    })
    // One that has ended says so itself.
    this.#child.stdin?.on('error', () => {})
    this.gone = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#takesOrders = false
        this.#running?.fail(new EngineError('internal', `"${file}" cannot be run: ${error.message}`, { cause: error }))
        resolve()
      })
      this.#child.once('close', () => {
        this.#takesOrders = false
        clearTimeout(this.#idleTimer)
        this.#running?.settle({ code: undefined, remark: this.#answer.trim() })
        resolve()
      })
    })
  }

  get takesOrders(): boolean {
    return this.#takesOrders
  }
  run(words: readonly string[]): Promise<LaunchEnd> {
    clearTimeout(this.#idleTimer)
    this.#keepAlive(true)
    this.#child.stdin?.write(encodeWords(words))
    return new Promise<LaunchEnd>((settle, fail) => {
      this.#running = { settle, fail }
    })
  }
  /** Ends when it runs nothing any more. */
  end(): void {
    this.#takesOrders = false
    this.#child.stdin?.end()
  }
  kill(): void {
    if (this.#running !== undefined && this.#child.pid !== undefined) sendSignal(-this.#child.pid, sigkill)
  }

  #listen(text: string): void {
    this.#answer += text
    const [whole, remark = '', code] = /^(?:(.*)\n)?(\d+)\n$/s.exec(this.#answer) ?? []
    if (whole === undefined) return
    this.#answer = ''
    this.#keepAlive(false)
    this.#idleTimer = setTimeout(() => {
      this.end()
    }, this.#idleMs).unref()
    this.#running?.settle({ code: remark === '' ? Number(code) : undefined, remark: remark.trim() })
    this.#running = undefined
  }
  /** An idle one is no reason for this process to stay. */
  #keepAlive(stays: boolean): void {
    for (const one of [this.#child, this.#child.stdin as Socket | null, this.#child.stdout as Socket | null])
      if (stays) one?.ref()
      else one?.unref()
  }
}
