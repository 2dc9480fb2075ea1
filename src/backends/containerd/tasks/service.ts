// TaskService on containerd.
import type { Locks } from '../../../ports/engine/locks.js'
import { runProgram } from '../../host/programs.js'
import { Removals } from '../../host/removals.js'
import { Cgroups } from '../../host/tasks/cgroups.js'
import { CarriedTasks } from '../../host/tasks/service.js'
import { TaskFiles } from '../../host/tasks/task-files.js'
import type { Calls } from '../channel.js'
import type { ContainerdRuntimes } from '../runtimes.js'
import { containerdCarrier } from './carrier.js'
import { Wire } from './wire.js'

export interface ContainerdTasksOptions {
  readonly calls: Calls
  /** `<root>/tasks`. */
  readonly directory: string
  /** The root's uuid: what we write into containerd carries it. */
  readonly rootId: string
  /** Default: its own. */
  readonly removals?: Removals | undefined
  /** Of the root: shared with all processes that may settle the same task. */
  readonly locks: Pick<Locks, 'acquire'>
  readonly runtimes: Pick<ContainerdRuntimes, 'resolve' | 'features'>
}

/** To be closed before the channel. Processes go on. */
export function containerdTasks({ calls, directory, rootId, removals: given, locks, runtimes }: ContainerdTasksOptions): CarriedTasks {
  const cgroups = new Cgroups()
  const removals = given ?? new Removals(calls.trace)
  const wire = new Wire(calls, rootId, locks)
  return new CarriedTasks({
    carrier: containerdCarrier(wire, runtimes, cgroups),
    files: new TaskFiles(directory, removals),
    cgroups,
    runtimes,
    makeFifo: async (path) => {
      await runProgram('mkfifo', ['-m', '600', path])
    },
    step: (name) => calls.step(name),
    trace: calls.trace,
    closed: async () => {
      await wire.settled()
      if (given === undefined) await removals.close()
    },
  })
}
