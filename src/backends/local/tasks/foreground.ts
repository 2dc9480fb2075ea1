// Processes that this one carries itself: the runtime runs in the foreground as our child, and its exit code is the process's.
// They end with us, or a moment later: by who opens the root next.
import { existsSync, mkdirSync } from 'node:fs'
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { RuntimeSpec, TerminalSize } from '../../../model/process.js'
import { encodeSpec } from '../../../oci/runtime-spec.js'
import { raceAbort, within } from '../../../util/abort.js'
import { environmentWithin } from '../../host/runtimes/runtime-environment.js'
import { DirectoryWatch } from '../../host/directory-watch.js'
import { readSmall, writeSmall } from '../../host/small-files.js'
import type { CarriedExit, CarriedProcess, ExecJob, Launched, RunJob } from '../../host/tasks/carrier.js'
import { named } from '../../host/tasks/context.js'
import { type ProcessFiles, type TaskState, rootName } from '../../host/tasks/task-files.js'
import { execArguments, killArguments, pidIn, runArguments } from '../oci-cli.js'
import { RuntimeChild, logName, pidName } from './child.js'
import { ChildStdio } from './child-stdio.js'
import { type LocalContext, claimantLives, clearCgroup, deleteState, filesOf, formOf, killGroup, liveProcess, runVerb } from './context.js'
import type { Launchers } from './launchers.js'
import { killWith } from './processes-with.js'
import { type Command, hasOwnMounts, type LaunchPlan, tableName } from './launch.js'
import { sendSignal } from './send-signal.js'
import { inTerminal, resizeTerminalOf } from './terminal.js'

/** Output that something else holds open is given up after this long. */
const drainMs = 10_000
const endMs = 10_000
/** How often somebody else's process is looked after: its end comes by a file. */
const lookMs = 250
const sigkill = 9
/** In a process's directory: somebody wants its input closed. */
const stdinClosedName = 'stdin-closed'

interface Carried {
  readonly child: RuntimeChild
  readonly stdio: ChildStdio
  readonly exit: Promise<CarriedExit>
  /** Resolves when nothing is kept of it. */
  readonly released: Promise<void>
  letGo(): void
  settled: CarriedExit | undefined
}

export class Foreground {
  readonly #context: LocalContext
  readonly #carried: Map<string, Carried> = new Map()
  readonly #launchers: Launchers

  constructor(context: LocalContext, launchers: Launchers) {
    this.#context = context
    this.#launchers = launchers
  }

  async run(job: RunJob, options: CallOptions): Promise<Launched> {
    const { files, state, spec, rootfs } = job
    const { form } = this.#context.runtimes.resolve(job.runtime)
    writeSmall(files.path('config.json'), encodeSpec(this.#context.filters.annotated(spec, form)))
    const target = files.path(rootName)
    if (rootfs.length > 0) mkdirSync(target, { mode: 0o700 })
    const keep = form.keeps && limitsMemory(spec)
    const run = { id: state.wireId, bundle: files.directory, pidFile: files.path(pidName), log: files.path(logName), keep }
    const plan = {
      program: form.binary,
      args: runArguments(form, run),
      mounts: rootfs.map((mount) => ({ mount, target })),
      hiddenCgroup: form.hiddenCgroup,
      table: files.path(tableName),
    }
    if (!existsSync(form.root)) mkdirSync(form.root, { recursive: true, mode: 0o700 })
    const env = hasOwnMounts(plan) ? environmentWithin(files.directory, form.env) : form.env
    return this.#launch(job, plan, env, keep, options)
  }
  async exec(job: ExecJob, options: CallOptions): Promise<Launched> {
    const { files, state, process } = job
    const form = formOf(this.#context, state)
    if (form === undefined) throw new EngineError('failed_precondition', `runtime "${state.runtime}" is not to be had any more`)
    if (await this.#context.cgroups.isFrozen(state.cgroup))
      throw new EngineError('failed_precondition', `${named({ containerId: state.containerId })} is paused`)
    const processFile = files.path('process.json')
    writeSmall(processFile, encodeSpec(process))
    const exec = { id: state.wireId, processFile, pidFile: files.path(pidName), log: files.path(logName) }
    try {
      const direct: Command = { file: form.binary, args: execArguments(form, exec) }
      const { file, args, env = {} } = job.stdio.tty ? await inTerminal(direct) : { ...direct, env: undefined }
      const plan = { program: file, args, mounts: [], table: files.path(tableName) }
      return await this.#launch(job, plan, { ...form.env, ...env }, false, options)
    } catch (error) {
      options.signal?.throwIfAborted()
      const task = { containerId: state.containerId }
      if (isEngineError(error) && (await liveProcess(this.#context.files.of(task), state)) === undefined)
        throw new EngineError('failed_precondition', `${named(task)} does not run`, {
          cause: error,
          subject: { kind: 'container', id: state.containerId },
        })
      throw error
    }
  }

  async find(state: TaskState): Promise<CarriedProcess | undefined> {
    const carried = this.#carried.get(keyOf(state))
    if (carried?.settled !== undefined) return { status: 'stopped', pid: 0, ...carried.settled }
    const files = filesOf(this.#context, state)
    const live = await liveProcess(files, state)
    if (live !== undefined) {
      const frozen = state.execId === undefined && (await this.#context.cgroups.isFrozen(state.cgroup)) === true
      return { status: frozen ? 'paused' : 'running', pid: live.pid, exitStatus: 0, exitedAt: undefined }
    }
    if (carried === undefined && !(await claimantLives(state))) return undefined
    // Its end is about to be told, or its start.
    const status = (await files.started()) ? 'stopped' : 'created'
    return { status, pid: 0, exitStatus: 255, exitedAt: undefined }
  }

  async wait(state: TaskState, { signal }: CallOptions): Promise<CarriedExit | undefined> {
    const carried = this.#carried.get(keyOf(state))
    if (carried !== undefined) return raceAbort(carried.exit, signal)
    const files = filesOf(this.#context, state)
    using watching = new DirectoryWatch(files.directory).subscribe()
    for (;;) {
      // In this order: whoever carries it stores its end before it ends itself.
      const lives = (await claimantLives(state)) || (await liveProcess(files, state)) !== undefined
      if (!lives || (await files.exit(state)) !== undefined || (await files.state())?.wireId !== state.wireId) return undefined
      await watching.wait(lookMs, signal)
    }
  }

  async kill(state: TaskState, signal: number, all: boolean): Promise<boolean> {
    const { runtimes, cgroups } = this.#context
    const live = await liveProcess(filesOf(this.#context, state), state)
    if (live === undefined) return false
    if (all) for (const pid of (await cgroups.processes(state.cgroup)) ?? []) sendSignal(pid, signal)
    const form = formOf(this.#context, state)
    if (state.execId === undefined && form !== undefined && runtimes.features(state.runtime)?.hostPid === false) {
      await runVerb(form, killArguments(form, state.wireId, signal))
      return true
    }
    return sendSignal(live.pid, signal)
  }

  closeStdin(state: TaskState): void {
    const carried = this.#carried.get(keyOf(state))
    if (carried !== undefined) carried.stdio.closeInput()
    else writeSmall(filesOf(this.#context, state).path(stdinClosedName), '')
  }

  /** A process already gone is success. */
  async resize(state: TaskState, size: TerminalSize, options: CallOptions): Promise<void> {
    const live = await liveProcess(filesOf(this.#context, state), state)
    if (live !== undefined) await resizeTerminalOf(live.pid, size, options)
  }

  async release(state: TaskState, options: CallOptions): Promise<void> {
    const key = keyOf(state)
    const carried = this.#carried.get(key)
    if (carried !== undefined) await raceAbort(carried.exit, options.signal)
    // Another's child is another's to free, as long as that one is there.
    else if (await claimantLives(state)) return
    await this.#context.step('runtime.clear')
    if (state.execId === undefined) await this.#clear(state, carried === undefined, options)
    this.#forget(key)
  }

  async destroy(state: TaskState, options: CallOptions): Promise<void> {
    const key = keyOf(state)
    const files = filesOf(this.#context, state)
    const carried = this.#carried.get(key)
    const live = await liveProcess(files, state)
    if (live !== undefined) sendSignal(live.pid, sigkill)
    else carried?.child.kill()
    // By the run's own name, or the exec's: whoever runs the same container next is not meant.
    if (carried === undefined) await killWith(state.execId === undefined ? state.wireId : files.path(pidName), options)
    else {
      await within(endMs, () => carried.child.ended, options)
      if (live === undefined) await this.#killLetGo(state, files)
      await within(endMs, () => carried.exit, options)
    }
    if (state.execId === undefined) await this.#clear(state, true, options)
    this.#forget(key)
  }

  /** Ends what cannot go on without this process; resolves when its end is known. */
  async close(): Promise<void> {
    await Promise.all(
      [...this.#carried.values()].map(async ({ child, released, settled }) => {
        const started = await child.released.catch(() => undefined)
        if (settled === undefined && started !== undefined) sendSignal(started.pid, sigkill)
        else if (settled === undefined) child.kill()
        await within(endMs, () => released)
      }),
    )
  }

  /** A runtime may let a process go in the moment in which it is killed: nobody has taken down who that is, and it would go on. */
  async #killLetGo(state: TaskState, files: ProcessFiles): Promise<void> {
    const pid = pidIn(readSmall(files.path(pidName)))
    // Not somebody who has the number of one that has ended.
    const inside = await this.#context.cgroups.processes(state.cgroup)
    if (pid !== undefined && (inside === undefined || inside.includes(pid))) sendSignal(pid, sigkill)
    if (state.execId === undefined) await killGroup(this.#context, state.cgroup)
  }
  #forget(key: string): void {
    this.#carried.get(key)?.letGo()
    this.#carried.delete(key)
  }
  async #launch(
    job: RunJob | ExecJob,
    plan: LaunchPlan,
    env: Readonly<Record<string, string>>,
    keep: boolean,
    { signal }: CallOptions,
  ): Promise<Launched> {
    const { files, state } = job
    await this.#context.step(`runtime.${state.execId === undefined ? 'run' : 'exec'}`)
    const stdio = await ChildStdio.open(this.#context.fifos, job.stdio)
    if (signal?.aborted === true) {
      stdio.handOver()
      stdio.close()
      throw signal.reason
    }
    const killsBefore = oomKillsHere()
    const child = new RuntimeChild({ launchers: this.#launchers, plan, env, files, stdio })
    const exit = this.#exit(child, stdio, state, keep, killsBefore)
    let letGo = (): void => {}
    const released = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const carried: Carried = { child, stdio, exit, released, letGo, settled: undefined }
    void exit.then((settled) => {
      carried.settled = settled
    })
    this.#carried.set(keyOf(state), carried)
    job.underWay(child.released)
    const { pid, startTime } = await raceAbort(child.released, signal)
    await this.#context.step('runtime.released')
    await files.markStarted({ pid, startTime: startTime ?? '0' })
    if (job.stdio.stdin !== undefined) this.#watchInput(files.directory, files.path(stdinClosedName), carried)
    return { pid, waiting: exit }
  }

  /** With its output: whoever reads the exit finds all of it in the files. */
  async #exit(
    child: RuntimeChild,
    stdio: ChildStdio,
    state: TaskState,
    keep: boolean,
    killsBefore: number | undefined,
  ): Promise<CarriedExit> {
    const { cgroups } = this.#context
    const ended = await child.ended
    stdio.closeInput()
    const kills = keep ? await cgroups.oomKills(state.cgroup) : undefined
    const isInit = state.execId === undefined
    if (isInit && keep) await killGroup(this.#context, state.cgroup)
    const drained = await within(drainMs, async () => {
      await child.drained()
      return true
    })
    if (drained !== true) {
      if (isInit) await killGroup(this.#context, state.cgroup)
      stdio.close()
    }
    if (!isInit) return ended
    const killed = kills !== undefined ? kills > 0 : killsBefore !== undefined && oomKillsHere() === killsBefore ? false : undefined
    return { ...ended, oom: { killed } }
  }

  async #clear(state: TaskState, thorough: boolean, options: CallOptions): Promise<void> {
    await deleteState(this.#context, state, options)
    if (thorough) await clearCgroup(this.#context, state)
  }

  /** Another process has no hold of our end: it leaves a note. */
  #watchInput(directory: string, note: string, carried: Carried): void {
    const watching = new DirectoryWatch(directory).subscribe(stdinClosedName)
    void (async () => {
      using _watching = watching
      while (carried.settled === undefined) {
        if (readSmall(note) !== undefined) {
          carried.stdio.closeInput()
          return
        }
        await Promise.race([watching.wait(lookMs * 4), carried.exit])
      }
    })()
  }
}

function keyOf({ wireId, execId }: Pick<TaskState, 'wireId' | 'execId'>): string {
  return `${wireId}/${execId ?? ''}`
}
export function limitsMemory(spec: RuntimeSpec): boolean {
  const { resources } = (spec['linux'] ?? {}) as { readonly resources?: { readonly memory?: { readonly limit?: unknown } } }
  return resources?.memory?.limit !== undefined
}
/** Of the whole machine: as long as it stands still, nobody was killed. */
function oomKillsHere(): number | undefined {
  const [, count] = /^oom_kill (\d+)$/m.exec(readSmall('/proc/vmstat') ?? '') ?? []
  return count === undefined ? undefined : Number(count)
}
