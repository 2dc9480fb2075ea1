// The room's table of runtimes: what a container's `RuntimeRef` becomes in containerd.
import { createHash, randomBytes } from 'node:crypto'
import { create, toBinary } from '@bufbuild/protobuf'
import { access, chmod, constants, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { RuntimeRef, RuntimeSpec } from '../../model/process.js'
import type { CheckItem } from '../../model/system.js'
import type { Runtime, RuntimeFeatures } from '../../ports/drivers/runtime.js'
import { hasErrno } from '../../util/fs-error.js'
import { hybridCgroup, refusesHybrid } from './cgroup-layout.js'
import { OptionsSchema } from './gen/runc_options_pb.js'
import { wrapperScript } from './runtime-wrapper.js'

/** As Containers.Create and Tasks.Create take it. */
export interface WireRuntime {
  readonly shim: string
  readonly options?: { readonly typeUrl: string; readonly value: Uint8Array } | undefined
}
export interface ResolvedRuntime {
  readonly name: string
  readonly features: RuntimeFeatures
  readonly wire: WireRuntime
  adaptSpec(spec: RuntimeSpec): RuntimeSpec
}
export interface RuntimesOptions extends CallOptions {
  /** Wrappers and the runtimes' own state go below it. */
  readonly directory: string
  readonly runtimes: Readonly<Record<string, Runtime>>
  /** Directories that are searched before the usual ones. Default: PATH. */
  readonly path?: string | undefined
}

type Entry =
  | { readonly runtime: Runtime; readonly wire: WireRuntime; readonly item: CheckItem }
  | { readonly runtime: Runtime; readonly error: EngineError; readonly item: CheckItem }

const runcShim = 'io.containerd.runc.v2'
const usual = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/opt/containerd/bin']

/** Where programs are looked for, here and by a containerd of ours. */
export function searchPath(path: string = process.env['PATH'] ?? ''): string {
  return [...new Set([...path.split(delimiter).filter((one) => one.startsWith('/')), ...usual])].join(delimiter)
}

export class Runtimes {
  readonly #entries: ReadonlyMap<string, Entry>

  private constructor(entries: ReadonlyMap<string, Entry>) {
    this.#entries = entries
  }
  /** Looks everything up once. What is missing is told when it is asked for, and by `checks`. */
  static async open(options: RuntimesOptions): Promise<Runtimes> {
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    const state = join(options.directory, 'state', bootId.slice(0, 8))
    await mkdir(state, { recursive: true, mode: 0o700 })
    await forgetBoots(join(options.directory, 'state'), bootId.slice(0, 8))
    const names = Object.keys(options.runtimes)
    const entries = await Promise.all(names.map((name) => openEntry(name, options.runtimes[name] as Runtime, { ...options, state })))
    return new Runtimes(new Map(names.map((name, index) => [name, entries[index] as Entry])))
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()]
  }
  /** No I/O. Throws `invalid_argument` for an unknown name, `failed_precondition` for one whose binary is missing. */
  resolve(ref: RuntimeRef): ResolvedRuntime {
    const entry = this.#entries.get(ref.name)
    if (entry === undefined)
      throw new EngineError(
        'invalid_argument',
        `no runtime "${ref.name}": there are ${this.names.map((name) => `"${name}"`).join(', ') || 'none'}`,
      )
    if ('error' in entry) throw entry.error
    const { runtime, wire } = entry
    return { name: ref.name, features: runtime.features, wire, adaptSpec: (spec) => runtime.adaptSpec(spec, ref.options) }
  }
  /** Throws what `resolve` would, also for options that the runtime does not take. For `create`, before anything is made. */
  check(ref: RuntimeRef): void {
    this.resolve(ref).adaptSpec({})
  }
  features(name: string): RuntimeFeatures | undefined {
    return this.#entries.get(name)?.runtime.features
  }
  /** One for each runtime. */
  checks(): readonly CheckItem[] {
    return [...this.#entries.values()].map(({ item }) => item)
  }
}

async function openEntry(name: string, runtime: Runtime, options: RuntimesOptions & { readonly state: string }): Promise<Entry> {
  const item = (answer: CheckItem['answer'], why: string, remedy?: string): CheckItem => ({
    name: `runtime ${name}`,
    answer,
    why,
    ...(remedy && { remedy }),
  })
  try {
    const shimName = runtime.kind === 'oci' ? runcShim : runtime.name
    const shim = await lookUp(shimBinary(shimName), options.path, `shim of runtime "${name}"`)
    if (runtime.kind === 'shim')
      return { runtime, wire: { shim: shimName, options: runtime.options }, item: item('yes', `found "${shim}"`) }
    const binary = await lookUp(runtime.path, options.path, `runtime "${name}"`)
    const hiddenCgroup = await refusedLayout(binary, options)
    const script = wrapperScript({ binary, globalArgs: runtime.globalArgs, env: runtime.env, hiddenCgroup })
    const binaryName = script === undefined ? binary : await writeWrapper(options.directory, script)
    const value = toBinary(OptionsSchema, create(OptionsSchema, { binaryName, root: join(options.state, encodeURIComponent(name)) }))
    const wire = { shim: shimName, options: { typeUrl: 'containerd.runc.v1.Options', value } }
    return {
      runtime,
      wire,
      item: item(
        'yes',
        hiddenCgroup === undefined
          ? `found "${binary}"`
          : `found "${binary}", which refuses the hybrid cgroups here: "${hiddenCgroup}" is hidden from it`,
      ),
    }
  } catch (error) {
    if (!isEngineError(error)) throw error
    return { runtime, error, item: item('no', error.message, packageOf(runtime)) }
  }
}

/** As containerd makes a file name of it: the last two parts. */
function shimBinary(name: string): string {
  return name.startsWith('/') ? name : `containerd-shim-${name.split('.').slice(-2).join('-')}`
}
function packageOf(runtime: Runtime): string | undefined {
  if (runtime.kind === 'shim' || runtime.path.startsWith('/')) return undefined
  return `install the package "${runtime.path}" (apt-get install ${runtime.path})`
}

async function lookUp(nameOrPath: string, path: string | undefined, what: string): Promise<string> {
  const places = nameOrPath.startsWith('/')
    ? [nameOrPath]
    : searchPath(path)
        .split(delimiter)
        .map((place) => join(place, nameOrPath))
  for (const place of places) if (await isExecutable(place)) return place
  const hint = nameOrPath.startsWith('containerd-shim-runc')
    ? ': install the package "containerd"'
    : nameOrPath.startsWith('/')
      ? ''
      : `: install the package "${nameOrPath}"`
  throw new EngineError('failed_precondition', `${what} needs "${nameOrPath}", which is not on this machine${hint}`)
}
async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

/** The answer is kept by what the binary is, and for this boot. */
async function refusedLayout(
  binary: string,
  { directory, state, signal }: RuntimesOptions & { readonly state: string },
): Promise<string | undefined> {
  const unified = await hybridCgroup()
  if (unified === undefined) return undefined
  const { size, mtimeMs, ino } = await stat(binary)
  const key = createHash('sha256')
    .update(JSON.stringify([binary, size, mtimeMs, ino, unified]))
    .digest('hex')
    .slice(0, 24)
  const kept = join(state, `.layout-${key}`)
  try {
    return (await readFile(kept, 'utf8')) === 'refused' ? unified : undefined
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error
  }
  const refused = await refusesHybrid(binary, directory, { signal })
  await replaceFile(kept, refused ? 'refused' : 'accepted', 0o600)
  return refused ? unified : undefined
}

/** Several processes write the same: whoever comes last replaces it by its equal. */
async function writeWrapper(directory: string, script: string): Promise<string> {
  const path = join(directory, `wrapper-${createHash('sha256').update(script).digest('hex').slice(0, 24)}`)
  try {
    if ((await readFile(path, 'utf8')) === script && (await isExecutable(path))) return path
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error
  }
  await replaceFile(path, script, 0o700)
  return path
}
async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(temporary, text, { mode, flag: 'wx' })
  await chmod(temporary, mode)
  await rename(temporary, path)
}

/** What runtimes kept of containers that went down with the machine. */
async function forgetBoots(directory: string, current: string): Promise<void> {
  for (const name of await readdir(directory)) if (name !== current) await rm(join(directory, name), { recursive: true, force: true })
}
