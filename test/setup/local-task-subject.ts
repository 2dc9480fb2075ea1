// The task suite's subject without a daemon: two services, as two processes have them, on one root.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CarriedTasks } from '../../src/backends/host/tasks/service.js'
import { type LocalRuntimes, openLocalRuntimes } from '../../src/backends/local/runtimes.js'
import { openLocalTasks } from '../../src/backends/local/tasks/open.js'
import type { TasksSubject } from '../../src/conformance/tasks/subject.js'
import { oci } from '../../src/drivers/runtime.js'
import type { Closeable, Mount } from '../../src/model/common.js'
import type { Runtime } from '../../src/ports/drivers/runtime.js'
import type { TaskRequest } from '../../src/ports/engine/tasks.js'
import { closeable } from '../../src/util/closeable.js'
import { namesToBeSeen } from './outside.js'
import { busyboxRoot } from './task-subject.js'

export interface LocalTaskRoot extends Closeable {
  readonly directory: string
  readonly subject: TasksSubject
  readonly tasks: CarriedTasks
  readonly runtimes: LocalRuntimes
  /** One more process on the root. */
  open(): Promise<CarriedTasks>
  /** Its files are lost: as after a restore of an old backup. */
  forget(containerId: string): Promise<void>
  /** A root of the task suite, and on top of it so many layers with a file each: `/layer-007`. */
  layers(count: number): Promise<Mount>
  /** Names below the root's `tasks`, without what a live process keeps for itself. */
  taskNames(): Promise<readonly string[]>
}
export interface LocalTaskRootOptions {
  /** Makes the path of the root longer. */
  readonly below?: string | undefined
  /** Default: runc and crun. */
  readonly runtimes?: Readonly<Record<string, Runtime>> | undefined
  /** Where what runtimes answered is kept, for several roots. Default: with the root, so that they are asked anew. */
  readonly answers?: string | undefined
}
export async function localTaskRoot(
  runtime: string,
  lifetime: TaskRequest['lifetime'],
  { below = '', ...options }: LocalTaskRootOptions = {},
): Promise<LocalTaskRoot> {
  const top = await mkdtemp(join(tmpdir(), 'pouch-sdk-tasks-'))
  const directory = join(top, below)
  await mkdir(directory, { recursive: true })
  const root = await busyboxRoot(directory)
  const own = join(directory, 'runtimes')
  const runtimes = await openLocalRuntimes({
    directory: options.answers ?? own,
    stateDirectory: own,
    runtimes: options.runtimes ?? { runc: oci('runc'), crun: oci('crun') },
  })
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
    forget: (containerId) => rm(join(directory, 'tasks', containerId), { recursive: true }),
    async layers(count) {
      const layers = join(directory, 'layers-with-a-name-as-long-as-that-of-a-digest')
      const lower = [await busyboxRoot(layers)]
      for (let number = 0; number < count; number += 1) {
        const name = String(number).padStart(3, '0')
        const layer = join(layers, name)
        await mkdir(layer, { recursive: true })
        await writeFile(join(layer, `layer-${name}`), `${name}\n`)
        lower.unshift(layer)
      }
      const [upper, work] = [join(layers, 'upper'), join(layers, 'work')]
      await Promise.all([mkdir(upper), mkdir(work)])
      return { type: 'overlay', source: 'overlay', options: [`lowerdir=${lower.join(':')}`, `upperdir=${upper}`, `workdir=${work}`] }
    },
    taskNames: async () => (await namesToBeSeen(join(directory, 'tasks'))).filter((name) => !/^\.new-\d+-\d+-fifos-/.test(name)),
    ...closeable(async () => {
      await Promise.all([tasks.close(), theirs.close()])
      await rm(top, { recursive: true, force: true })
    }),
  }
}
