// The task suite's subject without a daemon: two services, as two processes have them, on one root.
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CarriedTasks } from '../../src/backends/host/tasks/service.js'
import { type LocalRuntimes, openLocalRuntimes } from '../../src/backends/local/runtimes.js'
import { openLocalTasks } from '../../src/backends/local/tasks/open.js'
import type { TasksSubject } from '../../src/conformance/tasks/subject.js'
import { oci } from '../../src/drivers/runtime.js'
import type { Closeable } from '../../src/model/common.js'
import type { TaskRequest } from '../../src/ports/engine/tasks.js'
import { closeable } from '../../src/util/closeable.js'
import { busyboxRoot } from './task-subject.js'

export interface LocalTaskRoot extends Closeable {
  readonly directory: string
  readonly subject: TasksSubject
  readonly tasks: CarriedTasks
  readonly runtimes: LocalRuntimes
  /** One more process on the root. */
  open(): Promise<CarriedTasks>
  /** Names below the root's `tasks`, without what a live process keeps for itself. */
  taskNames(): Promise<readonly string[]>
}
export async function localTaskRoot(runtime: string, lifetime: TaskRequest['lifetime']): Promise<LocalTaskRoot> {
  const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-tasks-'))
  const root = await busyboxRoot(directory)
  const runtimes = await openLocalRuntimes({ directory: join(directory, 'runtimes'), runtimes: { runc: oci('runc'), crun: oci('crun') } })
  const open = (): Promise<CarriedTasks> => openLocalTasks({ directory: join(directory, 'tasks'), runtimes })
  const [tasks, theirs] = [await open(), await open()]
  const subject: TasksSubject = {
    tasks,
    theirs,
    runtime: { name: runtime },
    lifetime,
    rootfs: async () => [{ type: 'bind', source: root, options: ['rbind', 'rw'] }],
    log: (containerId) => ({ driver: 'file', options: {}, directory: join(directory, 'containers', containerId, 'log') }),
  }
  return {
    directory,
    subject,
    tasks,
    runtimes,
    open,
    taskNames: async () => (await readdir(join(directory, 'tasks')).catch(() => [])).filter((name) => !/^\.new-\d+-\d+-fifos-/.test(name)),
    ...closeable(async () => {
      await Promise.all([tasks.close(), theirs.close()])
      await rm(directory, { recursive: true, force: true })
    }),
  }
}
