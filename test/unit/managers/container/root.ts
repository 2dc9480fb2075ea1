// What all processes on a root share, in memory, and the dependencies of the verbs of one of them.
import { MemoryLocks } from '../../../../src/conformance/memory/locks.js'
import { MemoryRecords } from '../../../../src/conformance/memory/records.js'
import { MemoryTasks } from '../../../../src/conformance/memory/tasks.js'
import type { ContainerRecord, NameRecord } from '../../../../src/managers/container/record.js'
import type { StartDeps } from '../../../../src/managers/container/start.js'
import type { ContainerContext } from '../../../../src/managers/container/context.js'
import type { FailedUndo } from '../../../../src/util/rollback.js'

export const id: string = 'c'.repeat(64)
export const record: ContainerRecord = {
  version: 1,
  id,
  name: 'web',
  createdAt: new Date(0),
  spec: { image: 'busybox' },
  runtime: { name: 'runc' },
  log: { driver: 'file', options: {}, directory: '/log' },
  root: { kind: 'snapshot', snapshotter: 'memory', key: id, layers: [] },
  sandboxId: id,
  desired: 'stopped',
  restartCount: 0,
}

export class Root {
  readonly records: MemoryRecords<ContainerRecord> = new MemoryRecords()
  readonly names: MemoryRecords<NameRecord> = new MemoryRecords()
  readonly locks: MemoryLocks = new MemoryLocks()
  readonly tasks: MemoryTasks = new MemoryTasks()
  readonly log: string[] = []
  readonly failedUndos: FailedUndo[] = []
  /** Roots that are prepared. */
  readonly prepared: Set<string> = new Set()

  static async with(first: ContainerRecord = record): Promise<Root> {
    const root = new Root()
    await root.records.create(first.id, first)
    await root.names.create(first.name, { version: 1, name: first.name, containerId: first.id })
    return root
  }

  /** `at` is called before each step, to fail, wait or abort there. */
  process(who: string, at: (step: string) => unknown = () => {}): StartDeps & Pick<ContainerContext, 'lock' | 'tryLock' | 'names'> {
    const { records, names, tasks, locks, log, failedUndos, prepared } = this
    const step = async (name: string): Promise<void> => {
      await at(name)
      await new Promise(setImmediate)
      log.push(`${who}: ${name}`)
    }
    return {
      names,
      lock: (key, options) => locks.acquire(`container/${key}`, options),
      tryLock: (key, options) => locks.tryAcquire(`container/${key}`, options),
      records: {
        find: (key, options) => records.find(key, options),
        async replace(key, previous, value, options) {
          await step(`wish ${value.desired}`)
          return records.replace(key, previous, value, options)
        },
      },
      tasks: {
        find: (ref, options) => tasks.find(ref, options),
        async run(request, options) {
          const started = await tasks.run(request, options)
          await step('run')
          options?.signal?.throwIfAborted()
          return started
        },
        async delete(ref, options) {
          await step(options?.kill === true ? 'kill task' : 'free task')
          await tasks.delete(ref, options)
        },
        io: tasks.io,
      },
      roots: {
        async prepare(key, options) {
          await step('root')
          options?.signal?.throwIfAborted()
          prepared.add(key)
          return { mounts: [], inside: [] }
        },
        async release(key) {
          await step('release root')
          prepared.delete(key)
        },
      },
      async writeFiles() {
        return {}
      },
      async buildSpec(_record, _root, _files, options) {
        await step('spec')
        options?.signal?.throwIfAborted()
        return { process: { args: ['sleep', '1000'] } }
      },
      bootId: async () => 'boot',
      emitExit: async () => {},
      async emit(action) {
        log.push(`${who}: event ${action}`)
      },
      failedUndo: (failure) => {
        failedUndos.push(failure)
      },
    }
  }
  async desired(): Promise<string | undefined> {
    return (await this.records.find(id))?.value.desired
  }
  async status(): Promise<string | undefined> {
    return (await this.tasks.find({ containerId: id }))?.status
  }
}
