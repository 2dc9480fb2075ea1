// containerd.task.v2.Task as a shim serves it: the calls that this room makes.
// https://github.com/containerd/containerd/blob/v1.6.20/runtime/v2/task/shim.proto
import { EngineError } from '../../../errors.js'
import type { CallOptions, Mount } from '../../../model/common.js'
import type { CarriedExit, CarriedProcess, CarriedStdio } from '../../host/tasks/carrier.js'
import { type Field, type Fields, any, dateOf, decode, encode, messagesOf, numberOf } from './protobuf.js'
import { type TtrpcClient, TtrpcError } from './ttrpc.js'

const service = 'containerd.task.v2.Task'
const specType = 'types.containerd.io/opencontainers/runtime-spec/1/'
const runcOptionsType = 'containerd.runc.v1.Options'
const notFoundStatus = 5

export interface ShimTarget {
  readonly id: string
  readonly execId?: string | undefined
}
export interface ShimCreate {
  readonly bundle: string
  readonly rootfs: readonly Mount[]
  readonly stdio: CarriedStdio
  /** The runtime's program, and where its state goes. */
  readonly binary: string
  readonly root: string
}

export class ShimTask {
  readonly #client: TtrpcClient
  readonly #target: ShimTarget
  constructor(client: TtrpcClient, target: ShimTarget) {
    this.#client = client
    this.#target = target
  }

  async create({ bundle, rootfs, stdio, binary, root }: ShimCreate): Promise<number> {
    const options = encode([
      [6, binary],
      [7, root],
    ])
    const answer = await this.#call('Create', [
      [1, this.#target.id],
      [2, bundle],
      ...rootfs.map(({ type, source, options: words }): Field => [3, [[1, type], [2, source], ...words.map((word): Field => [4, word])]]),
      ...streams(stdio, 4),
      [10, any(runcOptionsType, options)],
    ])
    return numberOf(answer, 1)
  }
  async start(): Promise<number> {
    return numberOf(await this.#call('Start', this.#ids()), 1)
  }
  async exec(process: string, stdio: CarriedStdio): Promise<void> {
    await this.#call('Exec', [...this.#ids(), ...streams(stdio, 3), [7, any(`${specType}Process`, Buffer.from(process))]])
  }
  /** `undefined`: there is no such process. */
  async state(options?: CallOptions): Promise<CarriedProcess | undefined> {
    return absent(async () => {
      const answer = await this.#call('State', this.#ids(), options)
      return {
        status: statusOf(numberOf(answer, 4)),
        pid: numberOf(answer, 3),
        exitStatus: numberOf(answer, 9),
        exitedAt: dateOf(answer, 10),
      }
    })
  }
  /** Takes as long as it runs. */
  async wait(options?: CallOptions): Promise<CarriedExit | undefined> {
    return absent(async () => {
      const answer = await this.#call('Wait', this.#ids(), options)
      return { exitStatus: numberOf(answer, 1), exitedAt: dateOf(answer, 2) }
    })
  }
  /** Resolves with whether there was one to get it. */
  async kill(signal: number, all: boolean): Promise<boolean> {
    return gone(this.#call('Kill', [...this.#ids(), [3, signal], [4, all]]))
  }
  /** Waits until the output is copied. False: it was gone. */
  async delete(options?: CallOptions): Promise<boolean> {
    return gone(this.#call('Delete', this.#ids(), options))
  }
  async setPaused(paused: boolean): Promise<void> {
    await this.#call(paused ? 'Pause' : 'Resume', [[1, this.#target.id]])
  }
  async update(resources: string): Promise<void> {
    await this.#call('Update', [
      [1, this.#target.id],
      [2, any(`${specType}LinuxResources`, Buffer.from(resources))],
    ])
  }
  async pids(): Promise<readonly number[]> {
    return messagesOf(await this.#call('Pids', [[1, this.#target.id]]), 1).map((process) => numberOf(process, 1))
  }
  async resize(columns: number, rows: number): Promise<void> {
    await gone(this.#call('ResizePty', [...this.#ids(), [3, columns], [4, rows]]))
  }
  async closeStdin(): Promise<void> {
    await gone(this.#call('CloseIO', [...this.#ids(), [3, true]]))
  }
  /** It ends, when it has no task any more. */
  async shutdown(): Promise<void> {
    await this.#call('Shutdown', [[1, this.#target.id]])
  }

  #ids(): readonly Field[] {
    return [
      [1, this.#target.id],
      [2, this.#target.execId ?? ''],
    ]
  }
  async #call(method: string, fields: readonly Field[], options?: CallOptions): Promise<Fields> {
    try {
      return decode(await this.#client.call(service, method, encode(fields), options))
    } catch (error) {
      throw error instanceof TtrpcError ? toEngineError(error, method) : error
    }
  }
}

/** `terminal`, `stdin`, `stdout`, `stderr`, in this order from a field on. */
function streams({ tty, stdin = '', stdout = '', stderr = '' }: CarriedStdio, first: number): readonly Field[] {
  return [
    [first, tty],
    [first + 1, stdin],
    [first + 2, stdout],
    [first + 3, stderr],
  ]
}
function statusOf(status: number): CarriedProcess['status'] {
  switch (status) {
    case 1:
      return 'created'
    case 3:
      return 'stopped'
    case 4:
    case 5:
      return 'paused'
    default:
      return 'running'
  }
}

/** What matters of a shim's failures stands in their words. */
function toEngineError(error: TtrpcError, method: string): EngineError {
  const text = error.message.replaceAll(/\s*\n\s*/g, '; ').trim()
  const code =
    error.status === notFoundStatus
      ? 'not_found'
      : /cannot (start|delete|exec|pause|resume|signal) |process already finished|container not paused/.test(text)
        ? 'failed_precondition'
        : 'internal'
  return new EngineError(code, `shim "${method}": ${text}`, { cause: error })
}
async function absent<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof EngineError && error.code === 'not_found') return undefined
    throw error
  }
}
async function gone(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    if (
      error instanceof EngineError &&
      (error.code === 'not_found' ||
        /process already finished|no such process|container not running|sandbox is not running/i.test(error.message))
    )
      return false
    throw error
  }
}
