// The calls of the Tasks and Containers services that this room makes, with what their failures mean.
import type { Locks } from '../../../ports/engine/locks.js'
import { timestampDate } from '@bufbuild/protobuf/wkt'
import { isEngineError } from '../../../errors.js'
import type { CallOptions, Labels, Mount } from '../../../model/common.js'
import { within } from '../../../util/abort.js'
import type { Calls, UnaryOptions } from '../channel.js'
import { Containers } from '../gen/containers_pb.js'
import { Status } from '../gen/task_pb.js'
import { Tasks } from '../gen/tasks_pb.js'
import type { WireRuntime } from '../runtimes.js'
import type { CarriedExit, CarriedProcess, CarriedStdio, CarriedTarget } from '../../host/tasks/carrier.js'

export const rootLabel = 'pouch-sdk/root'
export const containerLabel = 'pouch-sdk/container'
const specType = 'types.containerd.io/opencontainers/runtime-spec/1/'

const settleMs = 5_000
/** A daemon that restarts is waited for; one that does not come back is `unavailable`. */
const patience = { waitForReady: true } as const

export class Wire {
  readonly #calls: Calls
  readonly #rootId: string
  readonly #locks: Pick<Locks, 'acquire'>
  readonly #deleting: Set<Promise<boolean>> = new Set()

  constructor(calls: Calls, rootId: string, locks: Pick<Locks, 'acquire'>) {
    this.#calls = calls
    this.#rootId = rootId
    this.#locks = locks
  }
  get calls(): Calls {
    return this.#calls
  }

  async createContainer(target: CarriedTarget, runtime: WireRuntime, spec: string, options: CallOptions): Promise<void> {
    const labels: Labels = { [rootLabel]: this.#rootId, [containerLabel]: target.containerId }
    await this.#calls.unary(
      Containers.method.create,
      {
        container: {
          id: target.wireId,
          labels: { ...labels },
          spec: any('Spec', spec),
          runtime: { name: runtime.shim, ...(runtime.options && { options: runtime.options }) },
        },
      },
      { ...about(target, options), waitForAnswer: true },
    )
  }
  /** Absent is success. */
  async deleteContainer(target: CarriedTarget, options: CallOptions): Promise<void> {
    await gone(this.#calls.unary(Containers.method.delete, { id: target.wireId }, about(target, options)))
  }
  async createTask(
    target: CarriedTarget,
    runtime: WireRuntime,
    rootfs: readonly Mount[],
    stdio: CarriedStdio,
    options: UnaryOptions,
  ): Promise<number> {
    const { stdin = '', stdout = '', stderr = '', tty } = stdio
    const { pid } = await this.#calls.unary(
      Tasks.method.create,
      {
        containerId: target.wireId,
        rootfs: rootfs.map(({ type, source, options }) => ({ type, source, options: [...options] })),
        stdin,
        stdout,
        stderr,
        terminal: tty,
        ...(runtime.options && { options: runtime.options }),
      },
      about(target, options),
    )
    return pid
  }
  async start(target: CarriedTarget, options: CallOptions): Promise<number> {
    return (await this.#calls.unary(Tasks.method.start, ids(target), about(target, options))).pid
  }
  async exec(
    target: CarriedTarget & { readonly execId: string },
    process: string,
    stdio: CarriedStdio,
    options: CallOptions,
  ): Promise<void> {
    const { stdin = '', stdout = '', stderr = '', tty } = stdio
    await this.#calls.unary(
      Tasks.method.exec,
      { ...ids(target), stdin, stdout, stderr, terminal: tty, spec: any('Process', process) },
      about(target, options),
    )
  }
  /** `undefined`: there is no such process. Takes as long as it runs, unless the connection goes. */
  async wait(target: CarriedTarget, options: CallOptions): Promise<CarriedExit | undefined> {
    return absent(async () => {
      const answer = await this.#calls.unary(Tasks.method.wait, ids(target), {
        ...about(target, options),
        ...patience,
        deadlineMs: Infinity,
      })
      return { exitStatus: answer.exitStatus, exitedAt: answer.exitedAt && timestampDate(answer.exitedAt) }
    })
  }
  async find(target: CarriedTarget, options: UnaryOptions): Promise<CarriedProcess | undefined> {
    return absent(async () => {
      const { process } = await this.#calls.unary(Tasks.method.get, ids(target), about(target, options))
      return process && toProcess(process)
    })
  }
  /** Resolves with whether there was one to get it. */
  async kill(target: CarriedTarget, signal: number, all: boolean, options: CallOptions): Promise<boolean> {
    return gone(this.#calls.unary(Tasks.method.kill, { ...ids(target), signal, all }, about(target, options)))
  }
  /** Waits until the output is copied. False: it was gone. Throws `failed_precondition` while it runs. */
  async deleteProcess(target: CarriedTarget, options: UnaryOptions): Promise<boolean> {
    if (target.execId !== undefined) return gone(this.#calls.unary(Tasks.method.deleteProcess, ids(target), about(target, options)))
    // Not two at once, in whatever process, nor one that is cut off while the shim is at it: containerd 1.6 lets the second close the
    // connection on which the first is about to send the shim home, and that one then stays for ever.
    await using _lock = await this.#locks.acquire(`task/${target.wireId}`, { signal: options.signal })
    const request = { containerId: target.wireId }
    const deleting = gone(this.#calls.unary(Tasks.method.delete, request, { ...about(target, options), waitForAnswer: true }))
    this.#deleting.add(deleting)
    try {
      return await deleting
    } finally {
      this.#deleting.delete(deleting)
    }
  }
  /** For who is about to close the connection, which would cut deletions off: resolves when none is under way, or after some seconds. */
  async settled(): Promise<void> {
    await within(settleMs, () => Promise.allSettled(this.#deleting))
  }
  /** Of the whole namespace, by wire id. */
  async listTasks(options: CallOptions): Promise<ReadonlyMap<string, CarriedProcess>> {
    const { tasks } = await this.#calls.unary(Tasks.method.list, {}, options)
    return new Map(tasks.map((task) => [task.id, toProcess(task)]))
  }
  /** Ours alone. */
  async listContainers(options: CallOptions): Promise<readonly CarriedTarget[]> {
    const { containers } = await this.#calls.unary(Containers.method.list, { filters: [`labels."${rootLabel}"==${this.#rootId}`] }, options)
    return containers.flatMap(({ id, labels }) => {
      const containerId = labels[containerLabel]
      return containerId === undefined ? [] : [{ wireId: id, containerId }]
    })
  }
}

export function any(type: 'Spec' | 'Process' | 'LinuxResources', text: string): { readonly typeUrl: string; readonly value: Uint8Array } {
  return { typeUrl: `${specType}${type}`, value: Buffer.from(text) }
}
/** Its own id of the daemon is no word to users. */
export function about<T extends CallOptions>({ containerId, execId }: CarriedTarget, options: T): T & UnaryOptions {
  return { ...options, subject: execId === undefined ? { kind: 'container', id: containerId } : { kind: 'exec', id: execId } }
}
export function ids({ wireId, execId = '' }: CarriedTarget): { readonly containerId: string; readonly execId: string } {
  return { containerId: wireId, execId }
}
function toProcess(process: {
  status: number
  pid: number
  exitStatus: number
  exitedAt?: Parameters<typeof timestampDate>[0] | undefined
}): CarriedProcess {
  const { status, pid, exitStatus, exitedAt } = process
  return { status: toStatus(status), pid, exitStatus, exitedAt: exitedAt && timestampDate(exitedAt) }
}
function toStatus(status: number): CarriedProcess['status'] {
  switch (status) {
    case Status.CREATED:
      return 'created'
    case Status.STOPPED:
      return 'stopped'
    case Status.PAUSED:
    case Status.PAUSING:
      return 'paused'
    default:
      return 'running'
  }
}
async function absent<T>(call: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (isEngineError(error, 'not_found')) return undefined
    throw error
  }
}
/** Whether there was something to do it to. */
export async function gone(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    if (
      isEngineError(error, 'not_found') ||
      (isEngineError(error) && /process already finished|no such process|container not running/i.test(error.message))
    )
      return false
    throw error
  }
}
