// The `pouch-sdk/local` entry: no daemon at all. What runs is the containers.
import { join } from 'node:path'
import packageJson from '../../../package.json' with { type: 'json' }
import { oci } from '../../drivers/runtime.js'
import { EngineError } from '../../errors.js'
import { type EnginePorts, type EngineSettings, managedBackend } from '../../managers/managed-backend.js'
import type { CallOptions } from '../../model/common.js'
import type { CheckItem } from '../../model/system.js'
import type { Trace } from '../../model/trace.js'
import type { Backend } from '../../ports/backend/backend.js'
import type { Runtime } from '../../ports/drivers/runtime.js'
import type { RegistryOptions } from '../../registry/options.js'
import { closeable } from '../../util/closeable.js'
import { checkKeys } from '../../util/known-keys.js'
import { openRootedFs } from '../../util/rooted-fs.js'
import { answersDirectory } from '../host/shared-directory.js'
import { hostPorts } from '../host/host-ports.js'
import { openRoot } from '../host/root.js'
import { type RuntimeChoice, runtimeTable } from '../host/runtimes/runtime-table.js'
import { runtimeItem } from '../host/runtimes/runtimes.js'
import { fastestRuntime } from './fastest-runtime.js'
import { checkRuntimes } from './runtime-trials.js'
import { type LocalRuntimes, openLocalRuntimes } from './runtimes.js'
import { type LocalStorage, openLocalStorage } from './storage/storage.js'
import { chooseLauncher } from './tasks/launcher-programs.js'
import { Launchers } from './tasks/launchers.js'
import { localTaskChecks, openLocalTasks } from './tasks/open.js'
import { requireRights } from './tasks/rights.js'

export type { RegistryHostOptions, RegistryOptions } from '../../registry/options.js'

export interface OpenLocalOptions extends CallOptions {
  /**
   * An absolute path: where everything of this engine is, made if missing, mode 0700. But for what ends with the boot: that is in `/run/pouch-sdk`
   * where it can be, the root's own and what was found out about the machine's runtimes.
   */
  readonly root: string
  /** By the name that containers ask for. Default: crun and runc, as far as they are on PATH. */
  readonly runtimes?: Readonly<Record<string, Runtime>> | undefined
  /** What runs a container that names none. Default: the one of `runtimes` that starts and ends a container fastest here, found out once a boot. */
  readonly defaultRuntime?: string | undefined
  /** Default: overlayfs where it works on the root's file system, else native, which copies. */
  readonly snapshotter?: 'overlayfs' | 'native' | undefined
  readonly registries?: RegistryOptions | undefined
  readonly onTrace?: Trace | undefined
  /** For tests of crashes: called before every call of a port and of a program. */
  readonly beforeStep?: ((step: string) => void) | undefined
}

const known: Readonly<Record<keyof OpenLocalOptions, true>> = {
  ...{ root: true, runtimes: true, defaultRuntime: true, snapshotter: true, registries: true },
  ...{ onTrace: true, beforeStep: true, signal: true },
}

/**
 * An engine without a daemon. Any number of processes may have the same root open. Closing it ends what it owns; containers made by
 * `create` go on, and are found again by whoever opens the root next. Opening puts right what a killed process, or a reboot, left.
 * Throws `unsupported` where it is not Linux, `permission_denied` without the right to mount, `failed_precondition` where no runtime is to
 * be found; then nothing has been touched.
 */
export async function openLocal(options: OpenLocalOptions): Promise<Backend> {
  checkKeys('openLocal', options, known)
  options.signal?.throwIfAborted()
  if (process.platform !== 'linux')
    throw new EngineError('unsupported', `containers without a daemon need Linux, and this is ${process.platform}`)
  requireRights()
  const launchers = new Launchers(await chooseLauncher())
  const { onTrace, beforeStep, signal } = options
  const root = await openRoot(options.root, { onTrace, signal, run: (file, args) => launchers.run(file, args) })
  const opened = [() => launchers.close(), () => root.close()]
  const closing = closeable(async () => {
    for (const one of opened.reverse()) await one()
  })
  try {
    const runtimes = await openLocalRuntimes({
      directory: join(root.directory, 'runtimes'),
      stateDirectory: join(root.runDirectory, 'runtimes'),
      answersDirectory: await answersDirectory(),
      runtimes: options.runtimes ?? { crun: oci('crun'), runc: oci('runc') },
      signal,
    })
    requireRuntime(runtimes)
    const storage = await openLocalStorage(
      {
        directory: join(root.directory, 'storage'),
        locks: root.locks,
        removals: root.removals,
        snapshotter: options.snapshotter,
        onTrace,
        beforeStep,
      },
      { signal },
    )
    opened.push(() => storage.close())
    const tasks = await openLocalTasks({
      directory: join(root.directory, 'tasks'),
      ownedDirectory: join(root.runDirectory, 'tasks'),
      runtimes,
      removals: root.removals,
      launchers,
      onTrace,
      beforeStep,
    })
    opened.push(() => tasks.close())
    const ports: EnginePorts = { ...hostPorts(root, onTrace), storage, tasks }
    const preferred = options.defaultRuntime === undefined ? await fastestRuntime(runtimes, { onTrace, signal }) : undefined
    const table = runtimeTable(runtimes, options.defaultRuntime, preferred)
    return await managedBackend(ports, toSettings(options, { runtimes, table, storage, close: closing.close }), { signal })
  } catch (error) {
    await closing.close()
    throw error
  }
}

interface Parts {
  readonly runtimes: LocalRuntimes
  readonly table: RuntimeChoice
  readonly storage: LocalStorage
  close(): Promise<void>
}
function toSettings({ registries, onTrace, beforeStep }: OpenLocalOptions, { runtimes, table, storage, close }: Parts): EngineSettings {
  return {
    name: 'local',
    runtimes: table,
    registries,
    openRootedFs,
    capabilities: ['shared_attach'],
    onTrace,
    beforeStep,
    close,
    // Of this package, which is all that an engine without a daemon consists of.
    version: async () => packageJson.version,
    check: async (asked) => {
      const checked = await checkRuntimes(runtimes, asked)
      return [checkSnapshotter(storage), ...checked, checkDefault(table, checked), ...(await localTaskChecks())]
    },
  }
}

/** Nothing runs without one: better told now than by the first container. */
function requireRuntime(runtimes: LocalRuntimes): void {
  const found = runtimes.checks()
  if (found.length === 0) throw new EngineError('invalid_argument', 'runtimes: the table is empty')
  if (found.some(({ answer }) => answer !== 'no')) return
  throw new EngineError(
    'failed_precondition',
    `no OCI runtime can be used here: ${found.map(({ name, why }) => `${name}: ${why}`).join('; ')}`,
  )
}

function checkSnapshotter({ snapshotterNames, overlayMissing }: LocalStorage): CheckItem {
  const [name = ''] = snapshotterNames
  if (overlayMissing === undefined) return { name: 'snapshotter', answer: 'yes', why: `${name} works on the root's file system` }
  return {
    name: 'snapshotter',
    answer: 'limited',
    why: `${name}: each container's root is a copy, since overlayfs does not work on the root's file system: ${overlayMissing}`,
    remedy: 'a root on ext4, xfs, btrfs or tmpfs',
  }
}
function checkDefault({ default: name }: RuntimeChoice, checked: readonly CheckItem[]): CheckItem {
  const answer = checked.find((item) => item.name === runtimeItem(name))?.answer ?? 'no'
  return { name: 'default runtime', answer, why: `"${name}" runs what names none` }
}
