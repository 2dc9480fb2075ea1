// The managers over ports in memory: an engine of several processes without a daemon, a disk or rights.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryDirectories } from '../../src/conformance/memory/directories.js'
import { MemoryEvents } from '../../src/conformance/memory/events.js'
import { MemoryHost } from '../../src/conformance/memory/host.js'
import { MemoryHostFiles } from '../../src/conformance/memory/host-files.js'
import { MemoryLocks } from '../../src/conformance/memory/locks.js'
import { MemoryRecords } from '../../src/conformance/memory/records.js'
import { MemoryState } from '../../src/conformance/memory/state.js'
import { MemoryStorage } from '../../src/conformance/memory/storage.js'
import { MemoryTasks } from '../../src/conformance/memory/tasks.js'
import { EngineError } from '../../src/errors.js'
import { type EnginePorts, managedBackend } from '../../src/managers/managed-backend.js'
import type { Closeable } from '../../src/model/common.js'
import type { Backend } from '../../src/ports/backend/backend.js'
import type { RecordStore } from '../../src/ports/engine/records.js'
import { closeable } from '../../src/util/closeable.js'
import { openRootedFs } from '../../src/util/rooted-fs.js'

export interface MemoryRoot extends Closeable {
  /** One more process of the engine. */
  open(): Promise<Backend>
  readonly tasks: MemoryTasks
}

/** Processes there are none: whatever runs has the same root, with nothing but /etc/passwd in it. */
export async function memoryRoot(): Promise<MemoryRoot> {
  const root = await mkdtemp(join(tmpdir(), 'pouch-sdk-memory-'))
  await mkdir(join(root, 'etc'))
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  const state = new MemoryState()
  const tasks = new MemoryTasks()
  const locks = new MemoryLocks()
  const events = new MemoryEvents()
  const directories = new MemoryDirectories()
  const hostFiles = new MemoryHostFiles()
  const stores = new Map<string, unknown>()
  const records = <T>(kind: string): RecordStore<T> => {
    const store = (stores.get(kind) as MemoryRecords<T> | undefined) ?? new MemoryRecords<T>()
    stores.set(kind, store)
    return store
  }
  return {
    tasks,
    open: () => {
      const storage = new MemoryStorage(state)
      const ports: EnginePorts = {
        storage,
        tasks,
        locks,
        events,
        directories,
        hostFiles,
        records,
        host: new RunningRoots(root, { trees: (mounts, options) => storage.tree(mounts, options) }),
      }
      return managedBackend(ports, {
        name: 'memory',
        openRootedFs,
        capabilities: ['shared_attach'],
        close: async () => {},
        version: async () => '1',
        check: async () => [],
        runtimes: {
          default: 'memory',
          names: ['memory'],
          async check({ name }) {
            if (name !== 'memory') throw new EngineError('invalid_argument', `no runtime "${name}"`)
          },
        },
      })
    },
    ...closeable(() => rm(root, { recursive: true, force: true })),
  }
}

/** Where `/proc/PID/root` of a process that does not exist is. */
class RunningRoots extends MemoryHost {
  readonly #root: string
  constructor(root: string, options: ConstructorParameters<typeof MemoryHost>[0]) {
    super(options)
    this.#root = root
  }
  override path(inside: string): string {
    return inside.startsWith('/proc/') ? this.#root : inside
  }
}
