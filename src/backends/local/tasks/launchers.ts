// Small processes that start others for us. Node forks itself for each child, which takes as long as its memory is large, and
// everything else waits meanwhile. A shell that is there already forks in a fraction of that, and tells how its child ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { delimiter } from 'node:path'
import type { Socket } from 'node:net'
import { EngineError } from '../../../errors.js'
import type { Labels } from '../../../model/common.js'
import { programFolders } from '../../host/programs.js'
import { sendSignal } from './context.js'
import type { Command } from './launch.js'

// Words come line by line, none of them evaluated: `.` ends one, `+` a line of one that has more, `!` the list. They are the paths
// of three streams, variables, `--`, and the command. What a shell says of its child before the code is that a signal ended it.
const script = `
exec 2>&1
IFS=
newline='
'
part=
while read -r line; do
  case $line in
    +*) part=$part\${line#+}$newline ;;
    .*) set -- "$@" "$part\${line#.}"; part= ;;
    *)
      (
        exec <"$1" >"$2" 2>"$3"
        shift 3
        while [ "$1" != -- ]; do export "$1"; shift; done
        shift
        exec "$@"
      )
      echo "$?"
      set -- ;;
  esac
done
`
/** Whoever runs one container after the other finds one. */
const defaultIdleMs = 5_000
const mostIdle = 16
const sigkill = 9

export interface LaunchOrder {
  readonly command: Command
  readonly env: Labels
  /** Of this process, for the three streams. To be held until the command runs or has ended. */
  readonly descriptors: readonly (number | 'ignore')[]
}
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
  readonly #idleMs: number
  #closed = false

  /** `idleMs`: how long one waits for the next order. */
  constructor({ idleMs = defaultIdleMs }: { readonly idleMs?: number } = {}) {
    this.#idleMs = idleMs
  }
  launch(order: LaunchOrder): LaunchedCommand {
    const launcher = this.#waiting() ?? this.#start()
    const ended = launcher.run(order)
    const goOn = (): void => {
      if (!launcher.takesOrders) return
      if (this.#closed || this.#idle.length >= mostIdle) launcher.end()
      else this.#idle.push(launcher)
    }
    ended.then(goOn, goOn)
    return { ended, kill: () => launcher.kill() }
  }
  /** Resolves when none is left. Those that still run something end after it. */
  async close(): Promise<void> {
    this.#closed = true
    for (const launcher of this.#idle.splice(0)) launcher.end()
    await Promise.all([...this.#all].map(({ gone }) => gone))
  }

  /** One whose time is up has been told to end, and may not have done so yet. */
  #waiting(): Launcher | undefined {
    for (let launcher = this.#idle.pop(); launcher !== undefined; launcher = this.#idle.pop()) if (launcher.takesOrders) return launcher
    return undefined
  }
  #start(): Launcher {
    const launcher = new Launcher(this.#idleMs)
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

  constructor(idleMs: number) {
    this.#idleMs = idleMs
    this.#child = spawn('/bin/sh', ['-c', script], {
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
        this.#running?.fail(new EngineError('internal', `"/bin/sh" cannot be run: ${error.message}`, { cause: error }))
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
  run({ command: { file, args }, env, descriptors }: LaunchOrder): Promise<LaunchEnd> {
    clearTimeout(this.#idleTimer)
    this.#keepAlive(true)
    const streams = descriptors.map((one) => (one === 'ignore' ? '/dev/null' : `/proc/${process.pid}/fd/${one}`))
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    this.#child.stdin?.write(encodeWords([...streams, ...variables, '--', file, ...args]))
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

/** No word has a zero byte in it, as no argument of a program may. */
export function encodeWords(words: readonly string[]): string {
  const lines = words.flatMap((word) => {
    const pieces = word.split('\n')
    return pieces.map((piece, index) => `${index === pieces.length - 1 ? '.' : '+'}${piece}\n`)
  })
  return `${lines.join('')}!\n`
}
