// What a container's runtime becomes in this room: a program with its state below the root, and a shim where there is one.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { Runtime, RuntimeFeatures } from '../../ports/drivers/runtime.js'
import { readSmall } from '../host/small-files.js'
import { runtimeEnvironment } from '../host/runtimes/runtime-environment.js'
import { wrapperScript } from '../host/runtimes/runtime-wrapper.js'
import {
  type RuntimeForm,
  type RuntimePlace,
  Runtimes,
  type RuntimesOptions,
  binaryKey,
  keepAnswer,
  lookUp,
  refusedLayout,
  writeWrapper,
} from '../host/runtimes/runtimes.js'
import type { OciProgram } from './oci-cli.js'

export interface LocalForm extends OciProgram {
  /** The cgroup mount that it must not see while it makes a container. */
  readonly hiddenCgroup: string | undefined
  /** `run --keep`: its cgroup can still be read when the container has ended. */
  readonly keeps: boolean
  /** It takes compiled seccomp filters by this annotation; the key names this very program. */
  readonly filters: { readonly annotation: string; readonly key: string } | undefined
  /** The monitor of detached containers, or why there is none. */
  readonly shim: ShimForm | EngineError
}
export interface ShimForm {
  readonly binary: string
  /** What it runs: the runtime, or a wrapper where the shim cannot pass on what it needs. */
  readonly runtime: string
  /** The same for a shim in our own mount namespace: whatever must be hidden, the wrapper hides. */
  readonly openRuntime: string
  /** The runtime's state is in a directory of this name below `root`. */
  readonly namespace: string
  readonly root: string
}
export type LocalRuntimes = Runtimes<LocalForm>

/** The directory below each runtime's state, as the shim makes it. */
export const stateNamespace = 'pouch-sdk'
const runcShim = 'containerd-shim-runc-v2'

export function openLocalRuntimes(options: RuntimesOptions): Promise<LocalRuntimes> {
  return Runtimes.open(options, toLocal)
}

async function toLocal(name: string, runtime: Runtime, place: RuntimePlace): Promise<RuntimeForm<LocalForm>> {
  if (runtime.kind === 'shim')
    throw new EngineError('unsupported', `runtime "${name}" is a shim of containerd's, which the local backend does not run`)
  const binary = await lookUp(runtime.path, place.path, `runtime "${name}"`)
  const hiddenCgroup = await refusedLayout(binary, place)
  const asked = await askedOf(binary, place)
  const { filterAnnotation } = runtime.features
  const top = join(place.state, encodeURIComponent(name))
  const shim = await shimOf(name, runtime.globalArgs, runtime.env, binary, top, hiddenCgroup, place)
  return {
    form: {
      binary,
      globalArgs: runtime.globalArgs,
      env: { ...runtimeEnvironment(), ...runtime.env },
      root: join(top, stateNamespace),
      hiddenCgroup,
      keeps: asked.keeps,
      filters: filterAnnotation === undefined ? undefined : { annotation: filterAnnotation, key: await binaryKey(binary, []) },
      shim,
    },
    features: withAnswers(runtime.features, asked),
    why: [
      `found "${binary}"`,
      ...(hiddenCgroup === undefined ? [] : [`it refuses the hybrid cgroups here: "${hiddenCgroup}" is hidden from it`]),
      ...(isEngineError(shim) ? [shim.message] : []),
    ].join('; '),
  }
}

async function shimOf(
  name: string,
  globalArgs: readonly string[],
  env: Readonly<Record<string, string>>,
  binary: string,
  root: string,
  hiddenCgroup: string | undefined,
  place: RuntimePlace,
): Promise<ShimForm | EngineError> {
  try {
    const shim = await lookUp(runcShim, place.path, `what outlives this process of runtime "${name}"`)
    const wrapped = async (hidden: string | undefined): Promise<string> => {
      const script = wrapperScript({ binary, globalArgs, env, hiddenCgroup: hidden })
      return script === undefined ? binary : writeWrapper(place.directory, script)
    }
    return {
      binary: shim,
      runtime: await wrapped(undefined),
      openRuntime: await wrapped(hiddenCgroup),
      namespace: stateNamespace,
      root,
    }
  } catch (error) {
    if (isEngineError(error)) return error
    throw error
  }
}

interface Answers {
  readonly keeps: boolean
  /** gVisor: a kernel of its own, in a process of which the host sees no more than that. */
  readonly isSandbox: boolean
  readonly verbs: readonly string[]
}
/** Asked once for each binary and boot. */
async function askedOf(binary: string, { answers, signal }: RuntimePlace): Promise<Answers> {
  const kept = join(answers, `.answers-${await binaryKey(binary, ['sandbox'])}`)
  const known = parse(readSmall(kept))
  if (known !== undefined) return known
  const [run, all, version] = await Promise.all(
    [['run', '--help'], ['--help'], ['--version']].map((args) => help(binary, args, { signal })),
  )
  const found: Answers = {
    keeps: /^\s*--?keep\b/m.test(run ?? ''),
    isSandbox: /^runsc version/m.test(version ?? ''),
    verbs: ['pause', 'resume', 'update', 'exec', 'ps'].filter((verb) => new RegExp(`^\\s*${verb}\\b`, 'm').test(all ?? '')),
  }
  // One that could not be asked may answer the next time.
  if (![run, all, version].includes(undefined)) await keepAnswer(kept, JSON.stringify(found))
  return found
}
function parse(text: string | undefined): Answers | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Answers)
  } catch {
    return undefined
  }
}
/** A program that does not list its verbs has those that its table says. */
function withAnswers(given: RuntimeFeatures, { verbs, isSandbox }: Answers): RuntimeFeatures {
  const features: RuntimeFeatures = isSandbox ? { ...given, hostPid: false, cgroup: 'sandbox', stats: 'runtime' } : given
  if (verbs.length === 0) return features
  return {
    ...features,
    pause: features.pause && verbs.includes('pause') && verbs.includes('resume'),
    update: features.update && verbs.includes('update'),
    exec: features.exec && verbs.includes('exec'),
  }
}
/** `undefined`: it could not be run, or not to its end. */
function help(binary: string, args: readonly string[], { signal }: CallOptions): Promise<string | undefined> {
  const env = { ...process.env, ...runtimeEnvironment() }
  return new Promise((resolve, reject) => {
    execFile(binary, args, { env, timeout: 10_000, killSignal: 'SIGKILL', ...(signal && { signal }) }, (error, stdout, stderr) => {
      if (signal?.aborted === true) reject(signal.reason)
      else resolve(error === null || typeof error.code === 'number' ? `${stdout}\n${stderr}` : undefined)
    }).stdin?.end()
  })
}
