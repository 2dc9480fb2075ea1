// Seccomp filters compiled once for each boot. A runtime makes its filter anew for every container, which takes it half of the time
// of a start; crun takes a ready one. So it is asked once for the filter of a profile, beside the first container that has it, and
// those after that bring it along.
import { createHash, randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { EngineError, backendClosed } from '../../../errors.js'
import type { CallOptions, JsonValue, Labels } from '../../../model/common.js'
import type { RuntimeSpec } from '../../../model/process.js'
import type { Trace } from '../../../model/trace.js'
import { encodeSpec } from '../../../oci/runtime-spec.js'
import { onAbort } from '../../../util/abort.js'
import { hasErrno } from '../../../util/fs-error.js'
import { programEnvironment, requireProgram } from '../../host/programs.js'
import { environmentWithin } from '../../host/runtimes/runtime-environment.js'
import { replaceFile } from '../../host/runtimes/runtimes.js'
import { readSmall, removeTree, writeSmall } from '../../host/small-files.js'
import { complaints, createArguments, deleteArguments } from '../oci-cli.js'
import type { LocalForm } from '../runtimes.js'
import { prepareLaunch, tableName } from './launch.js'
import { killWith } from './processes-with.js'

export interface CompiledFiltersOptions {
  /** For what was found out in this boot. */
  readonly directory: string
  /** Where a bundle for a moment goes. If this process dies then, it is found and removed as what a dead one was making. */
  readonly bundle: (name: string) => string
  readonly trace: Trace
}
/** Below a container's state, as crun keeps it. */
const filterName = 'seccomp.bpf'
const logName = 'log'
/** A program takes no other length: instructions of eight bytes, at most 4,096 of them. */
const instructionBytes = 8
const mostBytes = 4_096 * instructionBytes
/** Profiles of one's own come in any number. So many are known to a process, and so many kept for others. */
const mostFilters = 32
const compileMs = 10_000

export class CompiledFilters {
  readonly #options: CompiledFiltersOptions
  /** By their key; `undefined`: it is being made, or cannot be. */
  readonly #known: Map<string, string | undefined> = new Map()
  readonly #making: Set<Promise<void>> = new Set()
  readonly #closing: AbortController = new AbortController()

  constructor(options: CompiledFiltersOptions) {
    this.#options = options
  }

  /** As it is, where the filter is not known yet: then it will be for the next one. */
  annotated(spec: RuntimeSpec, form: LocalForm): RuntimeSpec {
    const { seccomp } = (spec['linux'] ?? {}) as { readonly seccomp?: JsonValue }
    const { filters } = form
    const { annotations = {} } = spec as { readonly annotations?: Labels }
    // One who brings a filter of his own means that one.
    if (filters === undefined || seccomp === undefined || filters.annotation in annotations) return spec
    const key = createHash('sha256')
      .update(JSON.stringify([filters.key, seccomp]))
      .digest('hex')
      .slice(0, 32)
    const filter = this.#find(key)
    if (filter === undefined) {
      this.#make(key, seccomp, form)
      return spec
    }
    return { ...spec, annotations: { ...annotations, [filters.annotation]: filter } }
  }
  async close(): Promise<void> {
    this.#closing.abort(backendClosed())
    await Promise.allSettled(this.#making)
  }

  #find(key: string): string | undefined {
    if (this.#known.has(key)) return this.#known.get(key)
    const filter = readFilter(join(this.#options.directory, nameOf(key)))
    if (filter !== undefined) this.#known.set(key, filter)
    return filter
  }
  #make(key: string, seccomp: JsonValue, form: LocalForm): void {
    if (this.#known.has(key) || this.#known.size >= mostFilters || this.#closing.signal.aborted) return
    this.#known.set(key, undefined)
    const making = this.#compile(key, seccomp, form, { signal: this.#closing.signal })
      .catch((error: unknown) => {
        if (!this.#closing.signal.aborted) this.#options.trace({ kind: 'warning', name: `filter of runtime "${form.binary}"`, error })
      })
      .finally(() => this.#making.delete(making))
    this.#making.add(making)
  }
  /** A container that is created and never started: its state holds the filter. Its name is one that a repair knows as a run's. */
  async #compile(key: string, seccomp: JsonValue, form: LocalForm, options: CallOptions): Promise<void> {
    const { directory, bundle: bundleOf } = this.#options
    const id = `seccomp-${randomBytes(5).toString('hex')}`
    const bundle = bundleOf(id)
    try {
      writeSmall(join(bundle, 'config.json'), encodeSpec(probe(seccomp)))
      mkdirSync(join(bundle, 'rootfs'), { mode: 0o700 })
      mkdirSync(form.root, { recursive: true, mode: 0o700 })
      const own = { type: 'bind', source: '/', options: ['rbind'] }
      const { file, args } = await prepareLaunch({
        program: form.binary,
        // It has no need of control groups, and could leave some.
        args: createArguments(
          { ...form, globalArgs: [...form.globalArgs, '--cgroup-manager=disabled'] },
          { id, bundle, log: join(bundle, logName) },
        ),
        mounts: [{ mount: own, target: join(bundle, 'rootfs') }],
        hiddenCgroup: form.hiddenCgroup,
        table: join(bundle, tableName),
      })
      try {
        // It ends with us: left alone it could finish after the repair that looks for what it has made.
        const dying = ['--pdeathsig', 'KILL', '--', file, ...args]
        const env = environmentWithin(bundle, form.env)
        if ((await exitOf(await requireProgram('setpriv'), dying, env, options)) !== 0)
          throw new EngineError('internal', complaints(readSmall(join(bundle, logName)) ?? '') || `"${form.binary}" created nothing`)
        const filter = readFilter(join(form.root, id, filterName))
        if (filter === undefined) return
        this.#known.set(key, filter)
        const others = readdirSync(directory).filter((name) => name.startsWith(prefix))
        if (others.length < mostFilters) await replaceFile(join(directory, nameOf(key)), Buffer.from(filter, 'base64'), 0o600)
      } catch (error) {
        // Killed half-way it has told nobody of the process that it had begun.
        await killWith(id, {})
        throw error
      } finally {
        await exitOf(form.binary, deleteArguments(form, id), form.env, {})
      }
    } finally {
      await removeTree(bundle)
    }
  }
}

/** Nothing of it goes through a pipe: what it creates would hold that open. */
async function exitOf(file: string, args: readonly string[], env: Labels, { signal }: CallOptions): Promise<unknown> {
  const child = spawn(file, args, { stdio: 'ignore', cwd: '/', env: { ...programEnvironment(), ...env }, timeout: compileMs })
  using _killing = onAbort(signal, () => {
    child.kill('SIGKILL')
  })
  const [code] = await once(child, 'exit')
  return code
}

const prefix = 'filter-'
function nameOf(key: string): string {
  return `${prefix}${key}.bpf`
}
/** In base64. `undefined`: not there, or no filter. */
function readFilter(path: string): string | undefined {
  try {
    const bytes = readFileSync(path)
    const isProgram = bytes.length > 0 && bytes.length % instructionBytes === 0 && bytes.length <= mostBytes
    return isProgram ? bytes.toString('base64') : undefined
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
/** Of this machine's own root, to be read only: nothing of it is ever run. */
function probe(seccomp: JsonValue): RuntimeSpec {
  return {
    ociVersion: '1.0.2',
    process: { user: { uid: 0, gid: 0 }, args: ['/bin/sh'], env: [], cwd: '/', noNewPrivileges: true },
    root: { path: 'rootfs', readonly: true },
    mounts: [],
    linux: {
      namespaces: ['ipc', 'mount', 'network', 'pid', 'uts'].map((type) => ({ type })),
      seccomp,
    },
  }
}
