// Makes a Backend of the lower floor: wires the managers, repairs what a crash left, and ends what is owned when it is closed.
import type { Backend, Capability } from '../ports/backend/backend.js'
import type { CallOptions } from '../model/common.js'
import type { EngineEvent } from '../model/event.js'
import { backendClosed } from '../errors.js'
import { closeable } from '../util/closeable.js'
import { AccountFiles } from './users.js'
import type { ContainerContext } from './container/context.js'
import { type ContainerRecord, parseContainerRecord, parseNameRecord } from './container/record.js'
import { removeContainer } from './container/remove.js'
import { SpecSource } from './container/spec-source.js'
import { appendExit, watchTasks } from './container/watch.js'
import { ContainerManager } from './containers.js'
import { ControlManager } from './control.js'
import type { EnginePorts, EngineSettings } from './engine-ports.js'
import { ExecManager } from './execs.js'
import { ImageManager } from './images.js'
import { imageSource } from './image/source.js'
import { observed } from './observe.js'
import { Owner } from './owner.js'
import { repairEngine } from './repair.js'
import { Roots } from './roots.js'
import { ContainerStreamManager } from './streams.js'
import { refuseUnsupportedChange } from './spec/unsupported.js'
import { SystemManager } from './system.js'
import { refusedContainerImages, refusedFiles, refusedNetworks, refusedVolumes } from './unsupported.js'

export type { EnginePorts, EngineSettings, RuntimeTable } from './engine-ports.js'

/** What the managers can do on any host. */
const common: readonly Capability[] = [
  'annotations',
  'attach_again',
  'chosen_id',
  'env_update',
  'event_history',
  'exec_kill',
  'exec_working_dir',
  'exit_status_survives_restart',
  'hooks',
  'image_import',
  'init',
  'kill',
  'label_update',
  'live_resource_update',
  'netns_path',
  'pause',
  'platform',
  'rename',
  'rootfs_directory',
  'separate_streams',
  'stats',
  'stop_signal',
  'tmpfs',
  'top',
]
const closeMs = 30_000

/** Resolves when what a crash left has been put right. What could not be is traced, and found again by the next repair. */
export async function managedBackend(given: EnginePorts, settings: EngineSettings, options: CallOptions = {}): Promise<Backend> {
  const ports = observePorts(given, settings)
  const owner = new Owner(ports.locks)
  const capabilities = new Set([...common, ...settings.capabilities])
  const context = toContext(ports, settings, owner, capabilities)
  const repair = (call: CallOptions = {}) =>
    repairEngine({ ...context, storage: ports.storage, locks: ports.locks, ownerIsGone: (name, inner) => owner.isGone(name, inner) }, call)
  const { repaired, failed } = await repair(options)
  for (const { what, error } of failed) trace(settings, `repair of ${what}`, error)
  for (const line of repaired) settings.onTrace?.({ kind: 'repair', name: line })

  const watching = new AbortController()
  const watched = watchTasks(
    {
      ...context,
      events: ports.events,
      failed: (error) => {
        trace(settings, 'watch', error)
      },
    },
    { signal: watching.signal },
  )
  return {
    name: settings.name,
    supports: (capability) => capabilities.has(capability),
    containers: new ContainerManager({ ...context, events: ports.events }),
    control: new ControlManager({
      ...context,
      resources: (spec, call) => context.specs.resources(spec, call),
      checkChange: (change) => {
        refuseUnsupportedChange(change, (capability) => capabilities.has(capability), settings.name)
      },
    }),
    streams: new ContainerStreamManager(context),
    containerImages: refusedContainerImages(settings.name),
    execs: new ExecManager({
      ...context,
      buildProcess: (record, spec, call) => context.specs.execProcess(record, spec, call),
      failed: (step, error) => {
        trace(settings, step, error)
      },
    }),
    files: refusedFiles(settings.name),
    images: context.images,
    networks: refusedNetworks(settings.name),
    volumes: refusedVolumes(settings.name),
    system: new SystemManager({
      backend: settings.name,
      host: ports.host,
      events: ports.events,
      runtimes: settings.runtimes.names,
      version: settings.version,
      check: settings.check,
      repair,
    }),
    ...closeable(async () => {
      await removeOwned(context, owner, settings)
      watching.abort(backendClosed())
      await watched
      await context.images.close()
      await settings.close()
    }),
  }
}

type Context = ContainerContext & { readonly images: ImageManager; readonly specs: SpecSource }

function toContext(ports: EnginePorts, settings: EngineSettings, owner: Owner, capabilities: ReadonlySet<Capability>): Context {
  const { locks, tasks, storage, host, hostFiles, directories } = ports
  const records = observed(
    ports.records('containers', { parse: parseContainerRecord, durable: ({ owner }) => owner === undefined }),
    'records',
    settings.beforeStep,
  )
  const names = observed(ports.records('names', { parse: parseNameRecord, durable: () => false }), 'names', settings.beforeStep)
  const snapshotter = storage.snapshotter()
  const lockKey = (id: string): string => `container/${id}`
  const roots = new Roots({ records, snapshotter, tasks, host })
  const emit = (
    type: 'container' | 'image',
    action: string,
    subject: Pick<EngineEvent['subject'], 'id' | 'name'>,
    attributes: EngineEvent['attributes'],
  ) => ports.events.append(crypto.randomUUID(), { type, action, subject: { kind: type, ...subject }, time: new Date(), attributes })
  const images = new ImageManager({
    backend: settings.name,
    storage,
    locks,
    registry: settings.registries,
    usedBy: (imageId, options) => containersOf(records, imageId, options),
    emit: (action, subject, attributes) => told(emit('image', action, subject, attributes), settings),
    failedUndo: ({ step, error }) => {
      trace(settings, step, error)
    },
  })
  const specs = new SpecSource({
    host,
    hostFiles,
    directories,
    roots,
    accounts: new AccountFiles({ host, openRootedFs: settings.openRootedFs }),
    backend: settings.name,
    supports: (capability) => capabilities.has(capability),
  })
  return {
    records,
    names,
    tasks,
    snapshotter,
    roots,
    directories,
    images,
    specs,
    lock: (id, options) => locks.acquire(lockKey(id), options),
    tryLock: (id, options) => locks.tryAcquire(lockKey(id), options),
    emit: async (action, { id, name, spec }, attributes, options) => {
      options?.signal?.throwIfAborted()
      await told(emit('container', action, { id, name }, { ...spec.labels, ...attributes }), settings)
    },
    emitExit: (record, exit) => told(appendExit(ports.events, { containerId: record.id }, record, exit), settings),
    image: imageSource(images),
    async check(record, options) {
      await settings.runtimes.check(record.runtime, options)
      await specs.check(record, options)
    },
    runtime: ({ runtime }) => runtime ?? { name: settings.runtimes.default },
    owner: (options) => owner.name(options),
    bootId: async (options) => (await host.facts(options)).bootId,
    writeFiles: (record, options) => specs.writeFiles(record, options),
    buildSpec: (record, root, files, options) => specs.containerSpec(record, root, files, options),
    failedUndo: ({ step, error }) => {
      settings.onTrace?.({ kind: 'undo', name: step, error })
    },
  }
}

async function containersOf(records: ContainerContext['records'], imageId: string, options?: CallOptions): Promise<readonly string[]> {
  const ids: string[] = []
  for await (const { value } of records.list(options)) if (value.imageId === imageId) ids.push(value.id)
  return ids
}

/** In no order, each with its own deadline: what hangs is left to whoever opens the root next. */
async function removeOwned(context: Context, owner: Owner, settings: EngineSettings): Promise<void> {
  if (!owner.used) return
  const owned: ContainerRecord[] = []
  try {
    for await (const { value } of context.records.list()) if (owner.owns(value.owner)) owned.push(value)
    await Promise.all(
      owned.map(async ({ id }) => {
        try {
          await removeContainer(context, id, { force: true, signal: AbortSignal.timeout(closeMs) })
        } catch (error) {
          trace(settings, `remove owned container "${id}"`, error)
        }
      }),
    )
    await owner.release()
  } catch (error) {
    trace(settings, 'remove owned containers', error)
  }
}

function observePorts(ports: EnginePorts, { beforeStep }: EngineSettings): EnginePorts {
  const see = <T extends object>(name: string, port: T): T => observed(port, name, beforeStep)
  const { storage, tasks, locks, events, host, hostFiles, directories, records } = ports
  return {
    storage: see('storage', storage),
    tasks: see('tasks', tasks),
    locks: see('locks', locks),
    events: see('events', events),
    host: see('host', host),
    hostFiles: see('hostFiles', hostFiles),
    directories: see('directories', directories),
    records,
  }
}

/** What has happened stays so if the history cannot be written: the verb does not fail for it. */
async function told(appending: Promise<unknown>, settings: EngineSettings): Promise<void> {
  try {
    await appending
  } catch (error) {
    trace(settings, 'history', error)
  }
}

function trace({ onTrace }: EngineSettings, name: string, error: unknown): void {
  onTrace?.({ kind: 'undo', name, error })
}
