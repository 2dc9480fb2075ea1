// Runtimes as data: a binary with the OCI command line, or a containerd shim.
import { basename } from 'node:path'
import { EngineError } from '../errors.js'
import type { JsonValue, Labels } from '../model/common.js'
import type { RuntimeSpec } from '../model/process.js'
import type { OciRuntime, RuntimeFeatures, ShimRuntime } from '../ports/drivers/runtime.js'

export interface OciOptions {
  /** Before the verb, e.g. `['--debug']`. */
  readonly globalArgs?: readonly string[] | undefined
  /** For the runtime itself, not for the container. */
  readonly env?: Labels | undefined
  /** What differs from runc's. */
  readonly features?: Partial<RuntimeFeatures> | undefined
}
export interface ShimOptions {
  /** The shim's own options message: its type and its encoded value. Both or none. */
  readonly typeUrl?: string | undefined
  readonly value?: Uint8Array | undefined
  /** What differs from runc's. */
  readonly features?: Partial<RuntimeFeatures> | undefined
}

const runcLike: RuntimeFeatures = {
  pause: true,
  update: true,
  checkpoint: false,
  exec: true,
  tty: true,
  hostPid: true,
  rootfs: 'mounts',
  netns: 'path',
  cgroup: 'container',
  stats: 'cgroup',
}
/** What is different of which program. */
const known: Readonly<Record<string, Partial<RuntimeFeatures>>> = { crun: { filterAnnotation: 'run.oci.seccomp_bpf_data' } }
/** A guest's processes are not the host's, and its shim counts for it. */
const guestLike: RuntimeFeatures = { ...runcLike, hostPid: false, cgroup: 'sandbox', stats: 'runtime' }

/** A runtime of the OCI command line, by name on PATH or by absolute path: `oci('runc')`, `oci('/opt/youki/youki')`. */
export function oci(nameOrPath: string, options: OciOptions = {}): OciRuntime {
  if (nameOrPath === '' || (nameOrPath.includes('/') && !nameOrPath.startsWith('/'))) {
    throw new EngineError('invalid_argument', `runtime "${nameOrPath}" is neither a name nor an absolute path`)
  }
  for (const name of Object.keys(options.env ?? {})) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new EngineError('invalid_argument', `environment variable "${name}" of runtime "${nameOrPath}" has no valid name`)
  }
  return {
    kind: 'oci',
    path: nameOrPath,
    globalArgs: options.globalArgs ?? [],
    env: options.env ?? {},
    features: { ...runcLike, ...known[basename(nameOrPath)], ...options.features },
    adaptSpec: (spec, chosen) => withoutOptions(basename(nameOrPath), spec, chosen),
  }
}

/** A containerd shim by its name there: `shim('io.containerd.kata.v2')`, or by the absolute path of its binary. */
export function shim(name: string, options: ShimOptions = {}): ShimRuntime {
  if (!/^([A-Za-z0-9_-]+\.){2,}[A-Za-z0-9_-]+$/.test(name) && !name.startsWith('/')) {
    throw new EngineError('invalid_argument', `shim "${name}" is neither a name such as "io.containerd.kata.v2" nor an absolute path`)
  }
  const { typeUrl, value } = options
  if ((typeUrl === undefined) !== (value === undefined)) {
    throw new EngineError('invalid_argument', `options of shim "${name}" need both "typeUrl" and "value"`)
  }
  return {
    kind: 'shim',
    name,
    features: { ...guestLike, ...options.features },
    ...(typeUrl !== undefined && value !== undefined ? { options: { typeUrl, value } } : {}),
    adaptSpec: (spec, chosen) => withoutOptions(name, spec, chosen),
  }
}

/** Neither kind defines options of a single container: silently dropping them would be a guess. */
function withoutOptions(name: string, spec: RuntimeSpec, options: JsonValue | undefined): RuntimeSpec {
  if (options === undefined || options === null) return spec
  throw new EngineError('unsupported', `runtime "${name}" takes no options of a container`)
}
