import { EngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import type { ContainerChange, ContainerInfo, FileChange } from '../model/container.js'
import type { ExecSpec } from '../model/exec.js'
import type { PortMapping, Protocol } from '../model/network.js'
import type { ExitStatus, ProcessEntry, Signal, TerminalSize } from '../model/process.js'
import type { StatsSample } from '../model/resources.js'
import type { Backend } from '../ports/backend/backend.js'
import type { CheckpointOptions, CommitOptions, UpgradeOptions } from '../ports/backend/container-images.js'
import type { AttachOptions, RemoveOptions, StatsOptions, StopOptions, WaitOptions } from '../ports/backend/containers.js'
import type { Attachment, LogEntry, LogOptions } from '../ports/streams.js'
import { sleep } from '../util/abort.js'
import type { CommandResult, RunOptions } from './command.js'
import { ContainerFiles } from './container-files.js'
import { execCommand } from './exec-command.js'
import { Exec, type SpawnOptions } from './exec.js'
import { Image } from './image.js'
import { checkInput, checkOptional } from './input/check.js'
import { command, execOptions, spawnOptions } from './input/command.js'
import { containerChange } from './input/container-spec.js'
import {
  attachOptions,
  checkpointOptions,
  commitOptions,
  logOptions,
  publishedPortOptions,
  removeOptions,
  statsOptions,
  stopOptions,
  upgradeOptions,
  waitOptions,
} from './input/container-options.js'
import { absolutePath, callOptions, name as nameOf, signalName, terminalSize } from './input/fields.js'
import { imageRef } from './input/image.js'

export interface ExecOptions extends Omit<ExecSpec, 'command' | 'stdin'>, RunOptions {}
export interface PublishedPortOptions extends CallOptions {
  /** Default `tcp`. */
  readonly protocol?: Protocol | undefined
}
/** Where a published port is reached from this machine. */
export interface PublishedPort {
  /** An address, never a name that could mean another. */
  readonly host: string
  readonly port: number
}

/** A reference to a container: asks anew each time, and disposing the engine does not stop it. Every verb throws `not_found` when it is gone. */
export class Container {
  readonly id: string
  readonly files: ContainerFiles
  declare protected readonly backend: Backend

  /** @internal */
  constructor(backend: Backend, id: string) {
    // Whoever prints a handle wants to see what it stands for.
    Object.defineProperty(this, 'backend', { value: backend })
    this.id = id
    this.files = new ContainerFiles(backend, id)
  }

  async inspect(options?: CallOptions): Promise<ContainerInfo> {
    return this.backend.containers.get(this.id, checkOptional(callOptions, options, 'inspect'))
  }
  /** Resolves when its process runs. A command not found or not executable: `failed_precondition` with `exitCode` 127 or 126. */
  async start(options?: CallOptions): Promise<void> {
    await this.backend.containers.start(this.id, checkOptional(callOptions, options, 'start'))
  }
  /** `start`, connected before the first instruction runs, so that no output is missed. */
  async startAttached(options: AttachOptions = {}): Promise<Attachment> {
    const { stdin = false, signal } = checkInput(attachOptions, options, 'startAttached')
    const io = await this.backend.containers.start(this.id, { attach: { stdin }, signal })
    if (io === undefined) throw new EngineError('internal', `backend "${this.backend.name}" gave no streams for container "${this.id}"`)
    return io
  }
  async stop(options?: StopOptions): Promise<void> {
    return this.backend.containers.stop(this.id, checkOptional(stopOptions, options, 'stop'))
  }
  async restart(options?: StopOptions): Promise<void> {
    return this.backend.containers.restart(this.id, checkOptional(stopOptions, options, 'restart'))
  }
  /** Resolves when the signal is sent. */
  async kill(signal: Signal = 'SIGKILL', options?: CallOptions): Promise<void> {
    return this.backend.containers.kill(this.id, checkInput(signalName, signal, 'kill'), checkOptional(callOptions, options, 'kill'))
  }
  async wait(options?: WaitOptions): Promise<ExitStatus> {
    return this.backend.containers.wait(this.id, checkOptional(waitOptions, options, 'wait'))
  }
  async remove(options?: RemoveOptions): Promise<void> {
    return this.backend.containers.remove(this.id, checkOptional(removeOptions, options, 'remove'))
  }
  async rename(name: string, options?: CallOptions): Promise<void> {
    return this.backend.containers.rename(this.id, checkInput(nameOf, name, 'rename'), checkOptional(callOptions, options, 'rename'))
  }

  /** A further process to its end. Resolves with its exit code, whatever it is; 127 or 126 when there is no such command. */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<CommandResult> {
    const { env, user, workingDir, tty, privileged, ...run } = checkInput(execOptions, options, 'exec')
    const spec: ExecSpec = { command: checkInput(command, argv, 'exec'), env, user, workingDir, tty, privileged }
    return execCommand(this.backend, this.id, spec, run)
  }
  /** A further process with its streams. */
  async spawn(argv: readonly string[], options: SpawnOptions = {}): Promise<Exec> {
    const { signal, ...spec } = checkInput(spawnOptions, options, 'spawn')
    return Exec.spawn(this.backend, this.id, { ...spec, command: checkInput(command, argv, 'spawn') }, { signal })
  }
  /** Joins the streams of the running process, from now on. */
  async attach(options?: AttachOptions): Promise<Attachment> {
    return this.backend.streams.attach(this.id, checkOptional(attachOptions, options, 'attach'))
  }
  async resize(size: TerminalSize, options?: CallOptions): Promise<void> {
    return this.backend.streams.resize(this.id, checkInput(terminalSize, size, 'resize'), checkOptional(callOptions, options, 'resize'))
  }
  logs(options?: LogOptions): AsyncIterable<LogEntry> {
    return this.backend.streams.logs(this.id, checkOptional(logOptions, options, 'logs'))
  }
  stats(options?: StatsOptions): AsyncIterable<StatsSample> {
    return this.backend.control.stats(this.id, checkOptional(statsOptions, options, 'stats'))
  }
  async top(options?: CallOptions): Promise<readonly ProcessEntry[]> {
    return this.backend.control.top(this.id, checkOptional(callOptions, options, 'top'))
  }
  async pause(options?: CallOptions): Promise<void> {
    return this.backend.control.pause(this.id, checkOptional(callOptions, options, 'pause'))
  }
  async resume(options?: CallOptions): Promise<void> {
    return this.backend.control.resume(this.id, checkOptional(callOptions, options, 'resume'))
  }
  async update(change: ContainerChange, options?: CallOptions): Promise<void> {
    return this.backend.control.update(
      this.id,
      checkInput(containerChange, change, 'update'),
      checkOptional(callOptions, options, 'update'),
    )
  }

  async commit(reference: string, options?: CommitOptions): Promise<Image> {
    const { id } = await this.backend.containerImages.commit(
      this.id,
      checkInput(imageRef, reference, 'commit'),
      checkOptional(commitOptions, options, 'commit'),
    )
    return new Image(this.backend, id)
  }
  async upgrade(reference: string, options?: UpgradeOptions): Promise<void> {
    return this.backend.containerImages.upgrade(
      this.id,
      checkInput(imageRef, reference, 'upgrade'),
      checkOptional(upgradeOptions, options, 'upgrade'),
    )
  }
  export(options?: CallOptions): AsyncIterable<Uint8Array> {
    return this.backend.containerImages.export(this.id, checkOptional(callOptions, options, 'export'))
  }
  changes(options?: CallOptions): AsyncIterable<FileChange> {
    return this.backend.containerImages.changes(this.id, checkOptional(callOptions, options, 'changes'))
  }
  async checkpoint(directory: string, options?: CheckpointOptions): Promise<void> {
    return this.backend.containerImages.checkpoint(
      this.id,
      checkInput(absolutePath, directory, 'checkpoint'),
      checkOptional(checkpointOptions, options, 'checkpoint'),
    )
  }
  async restore(directory: string, options?: CallOptions): Promise<void> {
    return this.backend.containerImages.restore(
      this.id,
      checkInput(absolutePath, directory, 'restore'),
      checkOptional(callOptions, options, 'restore'),
    )
  }

  /** Rejects with `failed_precondition` when it has no health check, is found unhealthy, or ends before. */
  async waitUntilHealthy(options: CallOptions = {}): Promise<void> {
    checkInput(callOptions, options, 'waitUntilHealthy')
    for (;;) {
      const { health, state } = await this.inspect(options)
      if (health === undefined) throw new EngineError('failed_precondition', `container "${this.id}" has no health check`)
      if (health.status === 'healthy' && state.status !== 'exited') return
      if (health.status === 'unhealthy' || state.status === 'exited') {
        const last = health.checks.at(-1)?.output.trim() ?? ''
        throw new EngineError(
          'failed_precondition',
          `container "${this.id}" is ${state.status === 'exited' ? 'exited' : 'unhealthy'}: ${JSON.stringify(last)}`,
        )
      }
      await sleep(healthPollMs, options.signal)
    }
  }
  /** Where to reach a port of the container; `failed_precondition` when it is not published now. */
  async publishedPort(containerPort: number, options: PublishedPortOptions = {}): Promise<PublishedPort> {
    const { protocol = 'tcp', signal } = checkInput(publishedPortOptions, options, 'publishedPort')
    const { ports } = await this.inspect({ signal })
    const mapping = ports.find((port) => port.containerPort === containerPort && port.protocol === protocol)
    if (mapping === undefined)
      throw new EngineError('failed_precondition', `port ${containerPort}/${protocol} of container "${this.id}" is not published`)
    return { host: reachable(mapping), port: mapping.hostPort }
  }
}

/** As `list` gives it: with what was known then. */
export class ListedContainer extends Container {
  readonly info: ContainerInfo
  /** @internal */
  constructor(backend: Backend, info: ContainerInfo) {
    super(backend, info.id)
    this.info = info
  }
}

/** Ends with its block of code: disposing it removes it, running or not. */
export class OwnedContainer extends Container implements AsyncDisposable {
  readonly #remove: () => Promise<void>
  /** @internal */
  constructor(backend: Backend, id: string, remove: () => Promise<void>) {
    super(backend, id)
    this.#remove = remove
  }
  /** Twice is success; never rejects. */
  close(): Promise<void> {
    return this.#remove()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#remove()
  }
}

const healthPollMs = 100

function reachable({ hostIp }: PortMapping): string {
  if (hostIp === '0.0.0.0' || hostIp === '') return '127.0.0.1'
  return hostIp === '::' ? '::1' : hostIp
}
