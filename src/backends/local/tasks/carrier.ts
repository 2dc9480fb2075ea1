// This room's carrier: what ends with its owner runs as our own child, all else below a shim.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { RuntimeSpec } from '../../../model/process.js'
import type { TaskRequest } from '../../../ports/engine/tasks.js'
import { fsError } from '../../../util/fs-error.js'
import { encodeSpec } from '../../../oci/runtime-spec.js'
import { removeSmall } from '../../host/small-files.js'
import { DirectoryWatch } from '../../host/directory-watch.js'
import type { CarriedProcess, CarriedTarget, Carrier, CarrierControl, CarrierEvent, CarrierSurvey } from '../../host/tasks/carrier.js'
import { named } from '../../host/tasks/context.js'
import { hasSharedPids } from '../../host/tasks/run.js'
import type { TaskState } from '../../host/tasks/task-files.js'
import { containerOfState, stateIn, updateArguments, verbArguments, psArguments, pidsIn } from '../oci-cli.js'
import { type LocalContext, deleteState, filesOf, formOf, runVerb } from './context.js'
import { type Foreground, limitsMemory } from './foreground.js'
import { sharesMounts } from './launch.js'
import { requireRights } from './rights.js'
import { killWith } from './processes-with.js'
import type { ShimClients } from './shim-clients.js'
import type { ShimMode, Shims } from './shims.js'

type Mode = 'foreground' | ShimMode
/** Events are looked for this often where inotify is exhausted. */
const lookMs = 1_000

export function localCarrier(context: LocalContext, foreground: Foreground, shims: Shims, clients: ShimClients): Carrier {
  const isShim = ({ mode }: TaskState): boolean => mode !== 'foreground'
  return {
    mode: (request, spec) => modeOf(context, request, spec),
    run: (job, options) => (isShim(job.state) ? shims.run(job, options) : foreground.run(job, options)),
    exec: (job, options) => (isShim(job.state) ? shims.exec(job, options) : foreground.exec(job, options)),
    find: (state, options) => (isShim(state) ? shims.find(state, options) : foreground.find(state)),
    wait: (state, options) => (isShim(state) ? shims.wait(state, options) : foreground.wait(state, options)),
    isBroken: (error) => isEngineError(error, 'unavailable'),
    kill: (state, signal, all) => (isShim(state) ? shims.kill(state, signal, all) : foreground.kill(state, signal, all)),
    release: (state, options) => (isShim(state) ? shims.release(state, options) : foreground.release(state, options)),
    destroy: (state, options) => (isShim(state) ? shims.destroy(state, options) : foreground.destroy(state, options)),
    control: control(context, foreground, clients, isShim),
    survey: survey(context, foreground, shims, isShim),
  }
}

function modeOf({ runtimes }: LocalContext, { runtime, lifetime, stdio }: TaskRequest, spec: RuntimeSpec): Mode {
  requireRights()
  const { form, features } = runtimes.resolve(runtime)
  const shares = sharesMounts(spec)
  // Its cgroup must be there when it has ended, or nobody can tell whether the kernel killed it for its memory.
  const vanishes = limitsMemory(spec) && !form.keeps && !isEngineError(form.shim)
  // In the foreground only its cgroup would tell that it is paused, and a command that is not there would end it without a word.
  const isSandbox = features.cgroup === 'sandbox' && !isEngineError(form.shim)
  // What outlives init there keeps a runtime in the foreground waiting for ever.
  const lingers = hasSharedPids(spec)
  if (lifetime === 'owned' && !stdio.tty && !shares && !vanishes && !lingers && !isSandbox) return 'foreground'
  if (isEngineError(form.shim)) throw new EngineError('failed_precondition', form.shim.message, { cause: form.shim })
  return shares ? 'open-shim' : 'shim'
}

function control(
  context: LocalContext,
  foreground: Foreground,
  clients: ShimClients,
  isShim: (state: TaskState) => boolean,
): CarrierControl {
  return {
    async pause(state, options) {
      if (isShim(state)) await (await clients.task(state)).setPaused(true)
      else await verb(context, state, (form) => verbArguments(form, 'pause', state.wireId), options)
    },
    async resume(state, options) {
      if (isShim(state)) await (await clients.task(state)).setPaused(false)
      else await verb(context, state, (form) => verbArguments(form, 'resume', state.wireId), options)
    },
    async update(state, resources, options) {
      if (isShim(state)) return (await clients.task(state)).update(encodeSpec(resources))
      const file = filesOf(context, state).path(`resources-${randomBytes(6).toString('hex')}.json`)
      try {
        // Not by way of writeSmall: it would make the directory that somebody has removed.
        writeFileSync(file, encodeSpec(resources), { mode: 0o600, flag: 'wx' })
        await verb(context, state, (form) => updateArguments(form, state.wireId, file), options)
      } catch (error) {
        throw fsError(error, named(state))
      } finally {
        removeSmall(file)
      }
    },
    async pids(state, options) {
      if (isShim(state)) return (await clients.task(state)).pids()
      const own = await context.cgroups.processes(state.cgroup)
      return own ?? pidsIn(await verb(context, state, (form) => psArguments(form, state.wireId), options))
    },
    // Without a cgroup of its own on this host nobody here tells.
    sample: async () => undefined,
    async closeStdin(state) {
      if (isShim(state)) await (await clients.present(state))?.closeStdin()
      else foreground.closeStdin(state)
    },
    async resize(state, size, options) {
      if (isShim(state)) await (await clients.present(state))?.resize(size.columns, size.rows)
      else await foreground.resize(state, size, options)
    },
  }
}

async function verb(
  context: LocalContext,
  state: TaskState,
  toArguments: (form: NonNullable<ReturnType<typeof formOf>>) => readonly string[],
  options: CallOptions,
): Promise<string> {
  const form = formOf(context, state)
  if (form === undefined) throw new EngineError('failed_precondition', `runtime "${state.runtime}" is not to be had any more`)
  return runVerb(form, toArguments(form), options)
}

function survey(context: LocalContext, foreground: Foreground, shims: Shims, isShim: (state: TaskState) => boolean): CarrierSurvey {
  const find = (state: TaskState, options: CallOptions): Promise<CarriedProcess | undefined> =>
    isShim(state) ? shims.find(state, options) : foreground.find(state)
  return {
    targets: async () => (await kept(context)).map(({ target }) => target),
    async tasks(options) {
      const tasks = new Map<string, CarriedProcess>()
      const claimed = new Set<string>()
      for await (const { files, state } of context.files.list()) {
        claimed.add(state.wireId)
        if ((await files.exit(state)) !== undefined) continue
        const found = await find(state, options)
        if (found !== undefined) tasks.set(state.wireId, found)
      }
      for (const { target, runtime } of await kept(context)) {
        if (claimed.has(target.wireId)) continue
        const found = await asked(context, target, runtime, options)
        if (found !== undefined) tasks.set(target.wireId, found)
      }
      return tasks
    },
    async destroy(target, options) {
      const found = (await kept(context)).find((one) => one.target.wireId === target.wireId)
      await killWith(target.wireId, options)
      if (found !== undefined) await deleteState(context, { wireId: target.wireId, runtime: found.runtime }, options)
    },
    events: (ready, signal) => changes(context, ready, signal),
  }
}

/** What runtimes keep here. */
async function kept({
  runtimes,
  runtimeNames,
}: LocalContext): Promise<readonly { readonly target: CarriedTarget; readonly runtime: string }[]> {
  const found = await Promise.all(
    runtimeNames.map(async (runtime) => {
      const form = formOf({ runtimes }, { runtime })
      const names = form === undefined ? [] : await readdir(form.root).catch(() => [])
      return names.map(containerOfState).flatMap((wireId) => {
        const containerId = wireId.slice(0, wireId.lastIndexOf('-'))
        return /-[0-9a-f]{10}$/.test(wireId) && containerId !== '' ? [{ target: { wireId, containerId }, runtime }] : []
      })
    }),
  )
  return found.flat()
}
/** Of one whose files are gone: its runtime knows. */
async function asked(
  context: LocalContext,
  { wireId }: CarriedTarget,
  runtime: string,
  options: CallOptions,
): Promise<CarriedProcess | undefined> {
  const form = formOf(context, { runtime })
  if (form === undefined) return undefined
  try {
    const state = stateIn(await runVerb(form, verbArguments(form, 'state', wireId), options))
    return state && { ...state, exitStatus: 255, exitedAt: undefined }
  } catch (error) {
    options.signal?.throwIfAborted()
    if (isEngineError(error)) return undefined // it ended meanwhile
    throw error
  }
}

/** No daemon tells anything: whoever starts or removes a task changes the directory of all. The managers follow this as long as the engine is open. */
async function* changes({ files }: LocalContext, ready: () => void, signal: AbortSignal): AsyncGenerator<CarrierEvent, void, undefined> {
  using watching = new DirectoryWatch(...files.directories).subscribe()
  ready()
  for (;;) {
    await watching.rest(lookMs, signal)
    yield { kind: 'changed' }
  }
}
