// Does a runtime work on this machine? It runs `true`. What works is remembered for the boot, what does not is tried anew.
import { randomBytes } from 'node:crypto'
import { readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions, Closeable, Mount } from '../../model/common.js'
import type { RuntimeSpec } from '../../model/process.js'
import type { CheckItem } from '../../model/system.js'
import type { Trace } from '../../model/trace.js'
import type { TaskService } from '../../ports/engine/tasks.js'
import { linkedSignal } from '../../util/abort.js'
import { closeable } from '../../util/closeable.js'
import { runtimeRemedy } from '../host/runtimes/runtime-remedies.js'
import { binaryKey, keepAnswer } from '../host/runtimes/runtimes.js'
import { readSmall, removeTree } from '../host/small-files.js'
import type { LocalRuntimes } from './runtimes.js'
import { openLocalTasks } from './tasks/open.js'

const trialMs = 10_000

export interface TrialOptions extends CallOptions {
  readonly onTrace?: Trace | undefined
}
export interface RuntimeTrials extends Closeable {
  /** How many milliseconds a container took. Rejects with what the runtime said; after 10 seconds it is ended, and that is told. */
  run(name: string, options?: CallOptions): Promise<number>
}

/** What each runtime is, and whether it works. */
export async function checkRuntimes(runtimes: LocalRuntimes, options: TrialOptions = {}): Promise<readonly CheckItem[]> {
  await using trials = await openTrials(runtimes)
  const items = runtimes.checks()
  return await Promise.all(
    runtimes.names.map(async (name, index) => {
      const item = items[index] as CheckItem
      if (item.answer === 'no' || (await isKnownToWork(runtimes, name))) return item
      try {
        await trials.run(name, options)
        return item
      } catch (error) {
        options.signal?.throwIfAborted()
        if (!isEngineError(error)) throw error
        const said = isEngineError(error.cause) ? error.cause.message : error.message
        const remedy = runtimeRemedy(said) ?? item.remedy
        return { ...item, answer: 'no', why: `${item.why}; "true" does not run: ${said}`, ...(remedy && { remedy }) } as const
      }
    }),
  )
}

export async function openTrials(runtimes: LocalRuntimes): Promise<RuntimeTrials> {
  const directory = join(runtimes.own, `.probe-${randomBytes(5).toString('hex')}`)
  const tasks = await openLocalTasks({ directory, runtimes })
  return {
    async run(name, options) {
      // A shim could not unmount what is mounted below another mount.
      const rootfs = runtimes.features(name)?.hostPid === false ? ownAlone : own
      const ms = await timed(tasks, { name, rootfs }, options)
      await keepAnswer(await workingPath(runtimes, name), '')
      return ms
    },
    ...closeable(async () => {
      await tasks.close()
      await removeTree(directory)
    }),
  }
}

/** Names a runtime with all that its working depends on, but the machine. */
export async function trialKey(runtimes: LocalRuntimes, name: string): Promise<string> {
  const { binary, globalArgs, env } = runtimes.resolve({ name }).form
  return binaryKey(binary, [name, ...globalArgs, JSON.stringify(env), ...(await ownRights())])
}
/** Another process of the same user may be confined, and find that nothing runs. */
async function ownRights(): Promise<readonly string[]> {
  const namespaces = ['cgroup', 'mnt', 'pid', 'user'].map((kind) => readlink(`/proc/self/ns/${kind}`).catch(() => ''))
  const status = await readFile('/proc/self/status', 'utf8')
  return [...(status.match(/^(?:CapEff|NoNewPrivs|Seccomp):.*/gm) ?? []), ...(await Promise.all(namespaces))]
}
async function workingPath(runtimes: LocalRuntimes, name: string): Promise<string> {
  return join(runtimes.answers, `.works-${await trialKey(runtimes, name)}`)
}
async function isKnownToWork(runtimes: LocalRuntimes, name: string): Promise<boolean> {
  return readSmall(await workingPath(runtimes, name)) !== undefined
}

interface Trial {
  readonly name: string
  readonly rootfs: Mount
}
async function timed(tasks: TaskService, { name, rootfs }: Trial, options: CallOptions = {}): Promise<number> {
  options.signal?.throwIfAborted()
  using trial = linkedSignal(options.signal)
  const timer = setTimeout(() => {
    trial.abort(new EngineError('unavailable', `it did not end within ${trialMs / 1_000} s`))
  }, trialMs)
  const containerId = `probe-${randomBytes(8).toString('hex')}`
  const from = performance.now()
  const stdio = { tty: false, stdin: false, attach: false }
  const request = { containerId, runtime: { name }, spec: spec(containerId), rootfs: [rootfs], stdio, lifetime: 'owned' } as const
  try {
    await tasks.run(request, trial)
    const { exitCode } = await tasks.wait({ containerId }, trial)
    if (exitCode !== 0) throw new EngineError('internal', `it exited with ${exitCode}`)
    return performance.now() - from
  } finally {
    clearTimeout(timer)
    await tasks.delete({ containerId }, { kill: true })
  }
}

/** This machine's own root, to be read only: it has a `true`. */
const own: Mount = { type: 'bind', source: '/', options: ['rbind'] }
const ownAlone: Mount = { ...own, options: ['bind'] }
function spec(containerId: string): RuntimeSpec {
  return {
    ociVersion: '1.0.2',
    process: { user: { uid: 0, gid: 0 }, args: ['/bin/true'], env: [], cwd: '/', noNewPrivileges: true },
    root: { path: 'rootfs', readonly: true },
    mounts: [],
    linux: {
      cgroupsPath: `/pouch-sdk-${containerId}`,
      namespaces: ['ipc', 'mount', 'network', 'pid', 'uts'].map((type) => ({ type })),
    },
  }
}
