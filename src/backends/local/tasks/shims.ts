// Processes that outlive this one: a shim of containerd's is their parent, without containerd. It keeps the exit code, copies the
// output into the files, and anybody on the root may ask it by its socket.
import { existsSync, mkdirSync } from 'node:fs'
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import { encodeSpec } from '../../../oci/runtime-spec.js'
import { raceAbort, sleep, within } from '../../../util/abort.js'
import { runProgram } from '../../host/programs.js'
import { readSmall, writeSmall } from '../../host/small-files.js'
import type { CarriedExit, CarriedProcess, CarriedStdio, ExecJob, FindOptions, Launched, RunJob } from '../../host/tasks/carrier.js'
import { named } from '../../host/tasks/context.js'
import { type TaskState, rootName } from '../../host/tasks/task-files.js'
import type { ShimTask } from '../shim/task-api.js'
import { type LocalContext, clearCgroup, deleteState, holdsPlace } from './context.js'
import { killWith } from './processes-with.js'
import { bootShim } from './shim-boot.js'
import { sendSignal } from './send-signal.js'
import type { ShimClients } from './shim-clients.js'

const deleteMs = 30_000
const killMs = 10_000
const answerMs = 5_000
const attempts = 5
const sigkill = 9
const nowhere = '/dev/null'

/** Where its mounts are seen: `shim` nowhere else, `open-shim` here, because the container shares them. */
export type ShimMode = 'shim' | 'open-shim'

export class Shims {
  readonly #context: LocalContext
  readonly #clients: ShimClients

  constructor(context: LocalContext, clients: ShimClients) {
    this.#context = context
    this.#clients = clients
  }

  async run(job: RunJob, { signal }: CallOptions): Promise<Launched> {
    const { files, state, spec, rootfs } = job
    const { form } = this.#context.runtimes.resolve(job.runtime)
    if (isEngineError(form.shim)) throw form.shim
    const shim = form.shim
    writeSmall(files.path('config.json'), encodeSpec(this.#context.filters.annotated(spec, form)))
    mkdirSync(files.path(rootName), { mode: 0o700 })
    await this.#context.step('shim.boot')
    const booting = bootShim({
      files,
      state,
      shim,
      hiddenCgroup: state.mode === 'shim' ? form.hiddenCgroup : undefined,
      clients: this.#clients,
    })
    job.underWay(booting)
    await raceAbort(booting, signal)
    const task = await this.#clients.task(state)
    await this.#context.step('shim.create')
    const runtime = state.mode === 'shim' ? shim.runtime : shim.openRuntime
    const creating = task.create({ bundle: files.directory, rootfs, stdio: this.#connected(job), binary: runtime, root: shim.root })
    job.underWay(creating)
    await raceAbort(creating, signal)
    return this.#start(job, task, signal)
  }
  async exec(job: ExecJob, { signal }: CallOptions): Promise<Launched> {
    const task = await this.#clients.task(job.state)
    await this.#context.step('shim.exec')
    const registering = task.exec(encodeSpec(job.process), this.#connected(job))
    job.underWay(registering)
    await raceAbort(registering, signal)
    return this.#start(job, task, signal)
  }
  /** Where nothing is connected a shim hands out a /dev/null that cannot be written to; runtimes whose processes are the host's open it again. */
  #connected({ state, stdio }: RunJob | ExecJob): CarriedStdio {
    if (stdio.stdout !== undefined || this.#context.runtimes.features(state.runtime)?.hostPid !== false) return stdio
    return { ...stdio, stdout: nowhere, ...(!stdio.tty && { stderr: nowhere }) }
  }
  async #start(job: RunJob | ExecJob, task: ShimTask, signal: AbortSignal | undefined): Promise<Launched> {
    // Before the start: an exit that comes at once must find somebody who listens.
    const waiting = task.wait({ signal: job.until })
    waiting.catch(() => {})
    await this.#context.step('shim.start')
    const starting = task.start().then(async (pid) => {
      await job.files.markStarted()
      return pid
    })
    job.underWay(starting)
    return { pid: await raceAbort(starting, signal), waiting }
  }

  async find(state: TaskState, options: FindOptions): Promise<CarriedProcess | undefined> {
    const task = await this.#clients.present(state)
    if (task === undefined) return undefined
    try {
      return await task.state({ signal: options.signal })
    } catch (error) {
      if (isEngineError(error, 'unavailable')) return undefined
      throw error
    }
  }
  async wait(state: TaskState, options: CallOptions): Promise<CarriedExit | undefined> {
    return (await this.#clients.present(state))?.wait(options)
  }
  async kill(state: TaskState, signal: number, all: boolean): Promise<boolean> {
    const task = await this.#clients.present(state)
    if (task === undefined) return false
    try {
      return await task.kill(signal, all)
    } catch (error) {
      if (signal !== sigkill || state.execId !== undefined) throw error
      return killSandbox(task, error)
    }
  }
  async release(state: TaskState, options: CallOptions): Promise<void> {
    const task = await this.#clients.present(state)
    if (task === undefined) {
      if (state.execId === undefined) await this.#clear(state, options)
      return
    }
    await this.#context.step('shim.delete')
    // With processes that outlive init the output is open, and the cgroup is not empty.
    if (state.execId === undefined && state.sharedPids) await task.kill(sigkill, true).catch(() => false)
    for (let attempt = 1; ; attempt += 1) {
      try {
        const deleted = await within(deleteMs, (inner) => task.delete(inner), options)
        if (deleted === undefined) throw new EngineError('unavailable', `the shim of ${named(state)} does not let it go`)
        break
      } catch (error) {
        options.signal?.throwIfAborted()
        if (isEngineError(error, 'unavailable') && (await this.#clients.present(state)) === undefined) break
        if (attempt === attempts) {
          if (state.execId !== undefined || state.mode !== 'shim') throw error
          // What it mounted goes with it.
          this.#context.trace({ kind: 'warning', name: `shim of ${named(state)}`, error })
          break
        }
        if (state.execId === undefined) {
          await task.kill(sigkill, true).catch(() => false)
          // To gVisor what ended while it was paused is paused still, and the shim deletes nothing by force.
          await deleteState(this.#context, state, options).catch(() => {})
        }
        await sleep(50 * attempt, options.signal)
      }
    }
    if (state.execId === undefined) await this.#sendHome(state, options)
  }
  async destroy(state: TaskState, options: CallOptions): Promise<void> {
    const task = await this.#clients.present(state)
    if (task !== undefined) {
      const answer = await within(answerMs, async (inner) => ({ found: await task.state(inner).catch(() => undefined) }), options)
      // In the midst of a call of its runtime that does not return it answers nobody.
      if (answer === undefined && state.execId === undefined && state.mode === 'shim') return this.#clear(state, options)
      const found = answer?.found
      if (found !== undefined && found.status !== 'stopped') {
        await this.kill(state, sigkill, state.execId === undefined && state.sharedPids).catch(() => false)
        if (found.status === 'paused') await task.setPaused(false).catch(() => {})
        // An exec that was only registered is no process: nothing of it ends.
        const ends = state.execId === undefined || found.status !== 'created'
        if (ends) await within(deleteMs, (inner) => task.wait(inner).catch(() => undefined), options)
      }
    }
    await this.release(state, options)
  }

  /** After the last of it. */
  async #sendHome(state: TaskState, options: CallOptions): Promise<void> {
    const task = await this.#clients.present(state)
    await this.#context.step('shim.shutdown')
    await task?.shutdown().catch(() => {})
    this.#clients.forget(state)
    await this.#clear(state, options)
  }
  /** Of a shim that is gone or going: what it would have removed. */
  async #clear(state: TaskState, options: CallOptions): Promise<void> {
    await killWith(state.wireId, options)
    await deleteState(this.#context, state, options)
    await clearCgroup(this.#context, state)
    if (state.mode === 'open-shim' && (await holdsPlace(this.#context, state)))
      await unmountAll(this.#context.files.of({ containerId: state.containerId }).path(rootName))
  }
}

/** gVisor gives signals to what runs, and to nothing that is paused or was never started. Its sandbox is a process of this host. */
async function killSandbox(task: ShimTask, refused: unknown): Promise<boolean> {
  const found = await task.state()
  if (found === undefined || found.status === 'stopped') return false
  if (found.pid <= 0) throw refused
  const sent = sendSignal(found.pid, sigkill)
  await within(killMs, (inner) => task.wait(inner).catch(() => undefined))
  return sent
}

async function unmountAll(path: string): Promise<void> {
  if (!existsSync(path)) return
  for (let round = 0; round < 16 && (readSmall('/proc/self/mountinfo') ?? '').includes(` ${path} `); round += 1)
    await runProgram('umount', ['-l', path])
}
