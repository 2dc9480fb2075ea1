import type { CallOptions, Closeable, Mount } from '../../model/common.js'
import type { CheckItem } from '../../model/system.js'

export interface CommandOptions extends CallOptions {
  readonly input?: Uint8Array | undefined
  /** Run in this network namespace instead of our own. */
  readonly netnsPath?: string | undefined
}

/** Mounts that nobody else sees. The kernel takes them down when it is closed, or when this process dies in any way. */
export interface MountedTree extends Closeable {
  /** Where this process finds the tree. Valid until closed; in no other mount namespace. */
  readonly root: string
}

export interface HostFacts {
  readonly kernel: string
  readonly architecture: string
  readonly cgroups: 'v1' | 'hybrid' | 'v2'
  /** Changes with every boot: what was stored under another is stale. */
  readonly bootId: string
  /** False: ids are mapped, and what needs true root is `unsupported`. */
  readonly privileged: boolean
  /** The file system below the engine's root, e.g. `ext4`, `overlay`, `tmpfs`. */
  readonly rootFilesystem: string
  /** Names with `CAP_` that this process may give to others (its bounding set), in the kernel's order. */
  readonly capabilities: readonly string[]
  /** Name as in `ulimits` (`nofile`) to this process's hard limit; -1 is unlimited. Above it needs CAP_SYS_RESOURCE. */
  readonly hardLimits: Readonly<Record<string, number>>
  readonly seccomp: boolean
  /** Older interfaces of system calls that an amd64 kernel serves beside its own. Absent: it does not tell, so any. */
  readonly furtherAbis?: readonly ('i386' | 'x32')[] | undefined
  readonly apparmor: boolean
  /** A static init to be process 1 of a container (tini, catatonit, docker-init), if there is one. */
  readonly initPath?: string | undefined
}

/**
 * Everything privileged that the SDK asks of the machine it runs on, so that a fake can stand in. Acts in the engine's
 * namespaces, which are not this process's when it is rootless: nobody else mounts, spawns tools or asks for a uid.
 */
export interface Host {
  /** Asked once and kept. */
  facts(options?: CallOptions): Promise<HostFacts>
  /** Asked anew: what this machine can and cannot do, and what to do about it. */
  checks(options?: CallOptions): Promise<readonly CheckItem[]>
  /** Where this process finds a path of the engine's namespaces. No I/O. */
  path(inside: string): string
  /** Resolves with stdout. A non-zero exit throws `internal` with stderr in the message; a missing program `failed_precondition`. An abort kills it. */
  run(file: string, args: readonly string[], options?: CommandOptions): Promise<Uint8Array>
  /** Made in order on one fresh place. On failure nothing is left. */
  mountPrivately(mounts: readonly Mount[], options?: CallOptions): Promise<MountedTree>
  /** Resolves with a path that keeps the namespace alive, visible to daemons and runtimes; loopback is up. An existing one of that name is success. */
  createNetns(name: string, options?: CallOptions): Promise<string>
  /** Absent is success. Processes in it keep it alive, without a name. */
  removeNetns(name: string, options?: CallOptions): Promise<void>
  /** Names of those that `createNetns` made and that are still there, for `repair`. */
  listNetns(options?: CallOptions): AsyncIterable<string>
}
