// The `pouch-sdk/containerd` entry: an engine on a containerd that runs already, or on one of our own.
import { join } from 'node:path'
import { oci } from '../../drivers/runtime.js'
import { type EnginePorts, type EngineSettings, managedBackend } from '../../managers/managed-backend.js'
import type { CallOptions } from '../../model/common.js'
import type { Trace } from '../../model/trace.js'
import type { Backend } from '../../ports/backend/backend.js'
import type { Runtime } from '../../ports/drivers/runtime.js'
import type { RegistryOptions } from '../../registry/options.js'
import { closeable } from '../../util/closeable.js'
import { checkKeys } from '../../util/known-keys.js'
import { openRootedFs } from '../../util/rooted-fs.js'
import { hostPorts } from '../host/host-ports.js'
import { answersDirectory } from '../host/shared-directory.js'
import { openRoot, type Root } from '../host/root.js'
import { runtimeTable } from '../host/runtimes/runtime-table.js'
import { type Channel, openChannel } from './channel.js'
import { type ContainerdRuntimes, openRuntimes } from './runtimes.js'
import { openStorage } from './storage/storage.js'
import { superviseContainerd } from './supervise.js'
import { containerdTasks } from './tasks/service.js'

export type { RegistryHostOptions, RegistryOptions } from '../../registry/options.js'

export interface ContainerdOptions extends CallOptions {
  /** An absolute path: where this engine keeps records, logs and locks. Made if missing, mode 0700. */
  readonly root: string
  /** Default `pouch-sdk`. Not `default`, `moby` or `k8s.io`, unless the containers there are meant. */
  readonly namespace?: string | undefined
  /** By the name that containers ask for. Default: runc and crun, as far as they are on PATH. */
  readonly runtimes?: Readonly<Record<string, Runtime>> | undefined
  /** What runs a container that names none. Default: the first of `runtimes` whose program is there. */
  readonly defaultRuntime?: string | undefined
  /** Default: overlayfs where the daemon has it, else native. */
  readonly snapshotter?: string | undefined
  readonly registries?: RegistryOptions | undefined
  readonly onTrace?: Trace | undefined
  /** For tests of crashes: called before every call of a port and of the daemon. */
  readonly beforeStep?: ((step: string) => void) | undefined
}
export interface ConnectContainerdOptions extends ContainerdOptions {
  /** Path of the daemon's socket, with or without `unix://`. */
  readonly address: string
}

const known: Readonly<Record<keyof ContainerdOptions, true>> = {
  ...{ root: true, namespace: true, runtimes: true, defaultRuntime: true, snapshotter: true, registries: true },
  ...{ onTrace: true, beforeStep: true, signal: true },
}
const defaultNamespace = 'pouch-sdk'

/**
 * An engine on a containerd (1.6 or later) that runs already. Closing it ends what it owns, and nothing else. Throws
 * `unavailable` when nobody answers at the address, `permission_denied` when the socket or the root may not be used.
 */
export async function connectContainerd(options: ConnectContainerdOptions): Promise<Backend> {
  checkKeys<ConnectContainerdOptions>('connectContainerd', options, { ...known, address: true })
  const root = await openRoot(options.root, options)
  return openOn(root, options.address, options, () => root.close())
}

/**
 * An engine on a containerd of its own, which ends with this process however it ends: its root, state and socket are
 * below `root`. Detached containers go on, and are found again by the next start on the same root. Throws
 * `failed_precondition` when another process has it running there, or a program is missing.
 */
export async function startContainerd(options: ContainerdOptions): Promise<Backend> {
  checkKeys<ContainerdOptions>('startContainerd', options, known)
  const root = await openRoot(options.root, options)
  try {
    const { signal, onTrace } = options
    const daemon = await superviseContainerd({ root: root.directory, locks: root.locks, onTrace, signal })
    return await openOn(root, daemon.address, options, async () => {
      await daemon.close()
      await root.close()
    })
  } catch (error) {
    await root.close()
    throw error
  }
}

/** `close` is called also when this fails. */
async function openOn(root: Root, address: string, options: ContainerdOptions, close: () => Promise<void>): Promise<Backend> {
  const opened: (() => Promise<void>)[] = [close]
  const closing = closeable(async () => {
    for (const one of opened.reverse()) await one()
  })
  try {
    const { namespace = defaultNamespace, onTrace, beforeStep, signal } = options
    const channel = await openChannel({ address, namespace, onTrace, beforeStep, signal, deadlineMs: 10_000 })
    opened.push(() => channel.close())
    const runtimes = await openRuntimes({
      directory: join(root.directory, 'runtimes'),
      answersDirectory: await answersDirectory(),
      runtimes: options.runtimes ?? { runc: oci('runc'), crun: oci('crun') },
      signal,
    })
    const tasks = containerdTasks({
      calls: channel,
      directory: join(root.directory, 'tasks'),
      rootId: root.id,
      removals: root.removals,
      locks: root.locks,
      runtimes,
    })
    opened.push(() => tasks.close())
    const storage = await openStorage({ channel, rootId: root.id, locks: root.locks, snapshotterName: options.snapshotter }, { signal })
    const ports: EnginePorts = { ...hostPorts(root, onTrace), storage, tasks }
    return await managedBackend(ports, toSettings(options, channel, runtimes, closing.close), { signal })
  } catch (error) {
    await closing.close()
    throw error
  }
}

function toSettings(
  options: ContainerdOptions,
  channel: Channel,
  runtimes: ContainerdRuntimes,
  close: () => Promise<void>,
): EngineSettings {
  return {
    name: 'containerd',
    runtimes: runtimeTable(runtimes, options.defaultRuntime),
    registries: options.registries,
    openRootedFs,
    capabilities: ['shared_attach'],
    onTrace: options.onTrace,
    beforeStep: options.beforeStep,
    close,
    version: async (call) => (await channel.ping(call)).version,
    check: async (call) => {
      const { version } = await channel.ping(call)
      return [{ name: 'containerd', answer: 'yes', why: `version ${version} answers` }, ...runtimes.checks()]
    },
  }
}
