// A room's table of runtimes: what a container's `RuntimeRef` becomes there.
import { createHash, randomBytes } from 'node:crypto'
import { access, chmod, constants, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { RuntimeRef, RuntimeSpec } from '../../../model/process.js'
import type { CheckItem } from '../../../model/system.js'
import type { Runtime, RuntimeFeatures } from '../../../ports/drivers/runtime.js'
import { hasErrno } from '../../../util/fs-error.js'
import { isRefusal } from '../shared-directory.js'
import { hybridCgroup, refusesHybrid } from './cgroup-layout.js'

export interface ResolvedRuntime<Form> {
  readonly name: string
  readonly features: RuntimeFeatures
  /** What it is in this room. */
  readonly form: Form
  adaptSpec(spec: RuntimeSpec): RuntimeSpec
}
/** What a room makes of a runtime; it throws `failed_precondition` when a part of it is missing. */
export type FormRuntime<Form> = (name: string, runtime: Runtime, options: RuntimePlace) => Promise<RuntimeForm<Form>>
export interface RuntimeForm<Form> {
  readonly form: Form
  /** Default: those of the runtime's own table. */
  readonly features?: RuntimeFeatures | undefined
  /** What was found, for people. */
  readonly why: string
}
export interface RuntimesOptions extends CallOptions {
  /** Wrappers, and what was found out, go below it. */
  readonly directory: string
  /** For what runtimes keep of their containers. Default: the same. */
  readonly stateDirectory?: string | undefined
  /** For what was found out, where that is to be shared with other roots. Default: the same. */
  readonly answersDirectory?: string | undefined
  readonly runtimes: Readonly<Record<string, Runtime>>
  /** Directories that are searched before the usual ones. Default: PATH. */
  readonly path?: string | undefined
}

/** Both are others for each boot. */
export interface RuntimePlace extends RuntimesOptions {
  /** For what was found out. */
  readonly answers: string
  /** For what runtimes keep of their containers. */
  readonly state: string
}

interface Found<Form> extends RuntimeForm<Form> {
  readonly runtime: Runtime
  readonly item: CheckItem
}
type Entry<Form> = Found<Form> | { readonly runtime: Runtime; readonly error: EngineError; readonly item: CheckItem }

const usual = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin', '/opt/containerd/bin']

/** Where programs are looked for, here and by a containerd of ours. */
export function searchPath(path: string = process.env['PATH'] ?? ''): string {
  return [...new Set([...path.split(delimiter).filter((one) => one.startsWith('/')), ...usual])].join(delimiter)
}

export class Runtimes<Form> {
  /** Where what was found out is kept, for this boot; other roots may share it. */
  readonly answers: string
  /** The same, of this root alone: for what is there for a moment. */
  readonly own: string
  readonly #entries: ReadonlyMap<string, Entry<Form>>

  private constructor(entries: ReadonlyMap<string, Entry<Form>>, own: string, answers: string) {
    this.#entries = entries
    this.own = own
    this.answers = answers
  }
  /** Looks everything up once. What is missing is told when it is asked for, and by `checks`. */
  static async open<Form>(options: RuntimesOptions, form: FormRuntime<Form>): Promise<Runtimes<Form>> {
    const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    const boot = bootId.slice(0, 8)
    const own = await ofThisBoot(options.directory, boot)
    const { stateDirectory, answersDirectory } = options
    const state = stateDirectory === undefined ? own : await ofThisBoot(stateDirectory, boot)
    const answers = answersDirectory === undefined ? own : ((await unlessRefused(ofThisBoot(answersDirectory, boot))) ?? own)
    const names = Object.keys(options.runtimes)
    for (const name of names) {
      const kind: unknown = options.runtimes[name]?.kind
      if (kind !== 'oci' && kind !== 'shim')
        throw new EngineError('invalid_argument', `runtimes: "${name}" must be what oci() or shim() of "pouch-sdk/drivers" gives`)
    }
    const place = { ...options, answers, state }
    const entries = await Promise.all(names.map((name) => openEntry(name, options.runtimes[name] as Runtime, place, form)))
    return new Runtimes(new Map(names.map((name, index) => [name, entries[index] as Entry<Form>])), own, answers)
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()]
  }
  /** No I/O. Throws `invalid_argument` for an unknown name, `failed_precondition` for one whose binary is missing. */
  resolve(ref: RuntimeRef): ResolvedRuntime<Form> {
    const entry = this.#entries.get(ref.name)
    if (entry === undefined)
      throw new EngineError(
        'invalid_argument',
        `no runtime "${ref.name}": there are ${this.names.map((name) => `"${name}"`).join(', ') || 'none'}`,
      )
    if ('error' in entry) throw entry.error
    const { runtime, form, features = runtime.features } = entry
    return { name: ref.name, features, form, adaptSpec: (spec) => runtime.adaptSpec(spec, ref.options) }
  }
  /** Throws what `resolve` would, also for options that the runtime does not take. For `create`, before anything is made. */
  check(ref: RuntimeRef): void {
    this.resolve(ref).adaptSpec({})
  }
  /** Of a container that was started with it, so also where its binary has gone meanwhile. */
  features(name: string): RuntimeFeatures | undefined {
    const entry = this.#entries.get(name)
    return entry && 'features' in entry && entry.features !== undefined ? entry.features : entry?.runtime.features
  }
  /** One for each runtime. */
  checks(): readonly CheckItem[] {
    return [...this.#entries.values()].map(({ item }) => item)
  }
}

async function openEntry<Form>(name: string, runtime: Runtime, place: RuntimePlace, form: FormRuntime<Form>): Promise<Entry<Form>> {
  const item = (answer: CheckItem['answer'], why: string, remedy?: string): CheckItem => ({
    name: runtimeItem(name),
    answer,
    why,
    ...(remedy && { remedy }),
  })
  try {
    const found = await form(name, runtime, place)
    return { ...found, runtime, item: item('yes', found.why) }
  } catch (error) {
    if (!isEngineError(error)) throw error
    return { runtime, error, item: item('no', error.message, packageOf(runtime)) }
  }
}

/** How the check of a runtime is called. */
export function runtimeItem(name: string): string {
  return `runtime ${name}`
}
function packageOf(runtime: Runtime): string | undefined {
  if (runtime.kind === 'shim' || runtime.path.startsWith('/')) return undefined
  return `install the package "${runtime.path}" (apt-get install ${runtime.path})`
}

/** Throws `failed_precondition` naming the package. */
export async function lookUp(nameOrPath: string, path: string | undefined, what: string): Promise<string> {
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

/** Where the cgroup mount is that this binary must not see; the answer is kept by what the binary is, and for this boot. */
export async function refusedLayout(binary: string, { directory, answers, signal }: RuntimePlace): Promise<string | undefined> {
  const unified = await hybridCgroup()
  if (unified === undefined) return undefined
  const kept = join(answers, `.layout-${await binaryKey(binary, [unified])}`)
  try {
    return (await readFile(kept, 'utf8')) === 'refused' ? unified : undefined
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error
  }
  const refused = await refusesHybrid(binary, directory, { signal })
  if (refused !== undefined) await keepAnswer(kept, refused ? 'refused' : 'accepted')
  return refused === true ? unified : undefined
}

/** Names what is remembered of a binary: another as soon as that is another, or what else it depends on. */
export async function binaryKey(binary: string, further: readonly string[]): Promise<string> {
  const { size, mtimeMs, ino } = await stat(binary)
  return createHash('sha256')
    .update(JSON.stringify([binary, size, mtimeMs, ino, ...further]))
    .digest('hex')
    .slice(0, 24)
}

/** Several processes write the same: whoever comes last replaces it by its equal. */
export async function writeWrapper(directory: string, script: string): Promise<string> {
  const path = join(directory, `wrapper-${createHash('sha256').update(script).digest('hex').slice(0, 24)}`)
  try {
    if ((await readFile(path, 'utf8')) === script && (await isExecutable(path))) return path
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error
  }
  await replaceFile(path, script, 0o700)
  return path
}
/** What there is no room for is found out again. */
export async function keepAnswer(path: string, text: string): Promise<void> {
  await unlessRefused(replaceFile(path, text, 0o600))
}
async function unlessRefused<T>(making: Promise<T>): Promise<T | undefined> {
  try {
    return await making
  } catch (error) {
    if (isRefusal(error)) return undefined
    throw error
  }
}
/** Beside a file that is being written. */
const unfinished = /\.[0-9a-f]{12}$/
const unfinishedMs = 60_000
export async function replaceFile(path: string, text: string | Uint8Array, mode: number): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(temporary, text, { mode, flag: 'wx' })
    await chmod(temporary, mode)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** What is of another boot is of containers that went down with the machine: it goes. */
async function ofThisBoot(directory: string, boot: string): Promise<string> {
  const all = join(directory, 'state')
  await mkdir(join(all, boot), { recursive: true, mode: 0o700 })
  for (const name of await readdir(all)) if (name !== boot) await rm(join(all, name), { recursive: true, force: true })
  await sweepUnfinished(join(all, boot))
  return join(all, boot)
}
/** What a writer left that was killed; one that lives needs no minute. */
async function sweepUnfinished(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!unfinished.test(name)) continue
    const found = await stat(join(directory, name)).catch(() => undefined)
    // A runtime's directory may be called so.
    if (found?.isFile() === true && Date.now() - found.mtimeMs > unfinishedMs) await rm(join(directory, name), { force: true })
  }
}
