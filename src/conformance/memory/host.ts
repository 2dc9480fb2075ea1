import { EngineError } from '../../errors.js'
import type { CallOptions, Mount } from '../../model/common.js'
import type { CheckItem } from '../../model/system.js'
import { raceAbort } from '../../util/abort.js'
import type { CommandOptions, Host, HostFacts, MountedTree } from '../../ports/engine/host.js'

export interface MemoryHostOptions {
  readonly facts?: Partial<HostFacts> | undefined
  /** Answers for a program, or `undefined`: there is none of that name. */
  readonly run?: ((file: string, args: readonly string[], options: CommandOptions) => Promise<Uint8Array | undefined>) | undefined
  /** Where trees come from: usually the memory storage whose mounts these are. Absent: mounting is `unsupported`. */
  readonly trees?: ((mounts: readonly Mount[], options: CallOptions) => Promise<MountedTree>) | undefined
}

const usual: HostFacts = {
  kernel: '6.1.0',
  architecture: 'x64',
  cgroups: 'v2',
  bootId: '00000000-0000-4000-8000-000000000000',
  privileged: true,
  rootFilesystem: 'ext4',
  capabilities: [
    'CAP_CHOWN',
    'CAP_DAC_OVERRIDE',
    'CAP_FOWNER',
    'CAP_KILL',
    'CAP_SETGID',
    'CAP_SETUID',
    'CAP_NET_BIND_SERVICE',
    'CAP_SYS_CHROOT',
  ],
  hardLimits: { nofile: 1_048_576, nproc: -1 },
  seccomp: true,
  apparmor: false,
}

export class MemoryHost implements Host {
  readonly #options: MemoryHostOptions
  readonly #netns: Set<string> = new Set()
  constructor(options: MemoryHostOptions = {}) {
    this.#options = options
  }

  async facts(options: CallOptions = {}): Promise<HostFacts> {
    options.signal?.throwIfAborted()
    return { ...usual, ...this.#options.facts }
  }
  async checks(options: CallOptions = {}): Promise<readonly CheckItem[]> {
    options.signal?.throwIfAborted()
    return []
  }
  path(inside: string): string {
    return inside
  }
  async run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted()
    const answer = await raceAbort(this.#options.run?.(file, args, options) ?? Promise.resolve(undefined), options.signal)
    if (answer === undefined) throw new EngineError('failed_precondition', `"${file}" is not on PATH`)
    return answer
  }
  async mountPrivately(mounts: readonly Mount[], options: CallOptions = {}): Promise<MountedTree> {
    options.signal?.throwIfAborted()
    if (this.#options.trees === undefined) throw new EngineError('unsupported', 'this host cannot mount')
    const tree = await this.#options.trees(mounts, options)
    if (options.signal?.aborted !== true) return tree
    await tree.close()
    throw options.signal.reason
  }
  async createNetns(name: string, options: CallOptions = {}): Promise<string> {
    options.signal?.throwIfAborted()
    checkName(name)
    this.#netns.add(name)
    return `/memory/netns/${name}`
  }
  async removeNetns(name: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    checkName(name)
    this.#netns.delete(name)
  }
  async *listNetns(options: CallOptions = {}): AsyncGenerator<string> {
    options.signal?.throwIfAborted()
    yield* [...this.#netns]
  }
}

function checkName(name: string): void {
  if (!/^[\w-][\w.-]{0,199}$/.test(name)) throw new EngineError('invalid_argument', `"${name}" cannot name a network namespace`)
}
