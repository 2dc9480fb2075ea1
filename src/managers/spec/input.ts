// What an OCI spec is built from: all that needs I/O has been found out before.
import type { TargetMount } from '../../model/common.js'
import type { ContainerSpec } from '../../model/container-spec.js'
import type { ExecSpec } from '../../model/exec.js'
import type { Ulimit } from '../../model/resources.js'
import type { HostFacts } from '../../ports/engine/host.js'
import type { ResolvedUser } from '../accounts.js'

export interface ProcessInput {
  readonly id: string
  /** Filled in. */
  readonly spec: ContainerSpec
  readonly user: ResolvedUser
  readonly host: HostFacts
  /** Where the spec names no ulimit of that name; cut down to what this process may give. */
  readonly defaultRlimits?: Readonly<Record<string, Ulimit>> | undefined
}
export interface ExecInput extends ProcessInput {
  /** `user` is this one's, or else the container's. */
  readonly exec: ExecSpec
}
export interface SpecInput extends ProcessInput {
  readonly etc: EtcPaths
  /** Over the root (lxcfs). */
  readonly inside: readonly TargetMount[]
  readonly netns: Netns
  /** Those that the spec names; for a privileged container all of the host's, too. */
  readonly devices: readonly ResolvedDevice[]
  /** By the path in `resources.blockIo.devices`. */
  readonly blockDevices?: ReadonlyMap<string, ResolvedBlockDevice> | undefined
  /** Sources of binds that are no directories. */
  readonly fileSources?: ReadonlySet<string> | undefined
  /** A static init of the host, for `init`. Default: the one in `host`. */
  readonly initPath?: string | undefined
}

/** Files of the host that stand for the container's own. */
export interface EtcPaths {
  readonly hosts?: string | undefined
  readonly hostname?: string | undefined
  readonly resolvConf?: string | undefined
}
/** `none`: a fresh one with nothing but loopback. */
export type Netns = { readonly kind: 'none' } | { readonly kind: 'host' } | { readonly kind: 'path'; readonly path: string }

/** A device of the host, found and ready to be made inside. */
export interface ResolvedDevice {
  /** Inside the container. */
  readonly path: string
  readonly type: 'b' | 'c'
  readonly major: number
  readonly minor: number
  /** Any of `r`, `w`, `m`. */
  readonly access: string
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}
export interface ResolvedBlockDevice {
  readonly major: number
  readonly minor: number
}
