// The task suite's subject on a containerd: two services, as two processes have them, on one root.
import { openFileLocks } from '../../src/backends/host/file-locks.js'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Channel, type ChannelOptions, openChannel } from '../../src/backends/containerd/channel.js'
import { openRuntimes } from '../../src/backends/containerd/runtimes.js'
import { containerdTasks } from '../../src/backends/containerd/tasks/service.js'
import type { CarriedTasks } from '../../src/backends/host/tasks/service.js'
import type { TasksSubject } from '../../src/conformance/tasks/subject.js'
import { oci } from '../../src/drivers/runtime.js'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'
import { namesToBeSeen } from './outside.js'

const applets = ['sh', 'cat', 'echo', 'sleep', 'stty', 'true', 'false', 'ls', 'id', 'head', 'yes', 'seq', 'kill', 'ps', 'env', 'dd']

/** A root of static busybox below `directory`. */
export async function busyboxRoot(directory: string): Promise<string> {
  const root = join(directory, 'busybox')
  for (const name of ['bin', 'etc', 'proc', 'dev', 'sys', 'tmp']) await mkdir(join(root, name), { recursive: true })
  await copyFile('/bin/busybox', join(root, 'bin/busybox'))
  for (const name of applets) await symlink('busybox', join(root, 'bin', name))
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\n')
  return root
}

export interface TaskRoot extends Closeable {
  readonly directory: string
  readonly rootId: string
  readonly subject: TasksSubject
  readonly tasks: CarriedTasks
  readonly channel: Channel
  /** One more process on the root. */
  open(options?: Partial<ChannelOptions>): Promise<{ readonly tasks: CarriedTasks; readonly channel: Channel } & Closeable>
  /** Names below the root's `tasks`. */
  taskNames(): Promise<readonly string[]>
}
export async function taskRoot(address: string, runtime: string, namespace: string = 'suite'): Promise<TaskRoot> {
  const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-tasks-'))
  const rootId = `root-${process.pid}-${Date.now()}`
  const root = await busyboxRoot(directory)
  const runtimes = await openRuntimes({ directory: join(directory, 'runtimes'), runtimes: { runc: oci('runc'), crun: oci('crun') } })
  const open: TaskRoot['open'] = async (options = {}) => {
    const channel = await openChannel({ address, namespace, waitForReady: true, ...options })
    const locks = await openFileLocks(directory)
    const tasks = containerdTasks({ calls: channel, directory: join(directory, 'tasks'), rootId, locks, runtimes })
    return {
      tasks,
      channel,
      ...closeable(async () => {
        await tasks.close()
        await channel.close()
        await locks.close()
      }),
    }
  }
  const [mine, theirs] = [await open(), await open()]
  const subject: TasksSubject = {
    tasks: mine.tasks,
    theirs: theirs.tasks,
    runtime: { name: runtime },
    rootfs: async () => [{ type: 'bind', source: root, options: ['rbind', 'rw'] }],
    log: (containerId) => ({ driver: 'file', options: {}, directory: join(directory, 'containers', containerId, 'log') }),
  }
  return {
    directory,
    rootId,
    subject,
    tasks: mine.tasks,
    channel: mine.channel,
    open,
    taskNames: () => namesToBeSeen(join(directory, 'tasks')),
    ...closeable(async () => {
      await Promise.all([mine.close(), theirs.close()])
      await rm(directory, { recursive: true, force: true })
    }),
  }
}
