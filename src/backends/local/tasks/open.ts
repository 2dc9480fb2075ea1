// TaskService without a daemon.
import { join } from 'node:path'
import { mkdirSync } from 'node:fs'
import type { CheckItem } from '../../../model/system.js'
import type { Trace } from '../../../model/trace.js'
import { findProgram, type ProgramRunner } from '../../host/programs.js'
import { Removals } from '../../host/removals.js'
import { Cgroups } from '../../host/tasks/cgroups.js'
import { ourselves } from '../../host/tasks/claimant.js'
import { CarriedTasks } from '../../host/tasks/service.js'
import { TaskFiles } from '../../host/tasks/task-files.js'
import type { LocalRuntimes } from '../runtimes.js'
import { localCarrier } from './carrier.js'
import { CompiledFilters } from './compiled-filters.js'
import type { LocalContext } from './context.js'
import { FifoPool } from './fifo-pool.js'
import { Foreground } from './foreground.js'
import { checkLauncher, chooseLauncher } from './launcher-programs.js'
import { Launchers } from './launchers.js'
import { ShimClients } from './shim-clients.js'
import { Shims } from './shims.js'

/** What tasks here need beside a runtime, and what is missing without it. */
export async function localTaskChecks(): Promise<readonly CheckItem[]> {
  return Promise.all([
    ...needed.map(async ({ program, purpose, debianPackage }): Promise<CheckItem> => {
      const path = await findProgram(program)
      return path === undefined
        ? { name: program, answer: 'no', why: `not on PATH: ${purpose}`, remedy: `apt-get install ${debianPackage}` }
        : { name: program, answer: 'yes', why: path }
    }),
    checkLauncher(),
  ])
}
const needed = [
  {
    program: 'containerd-shim-runc-v2',
    purpose: 'containers that outlive their program, that have a terminal or share pids run below it',
    debianPackage: 'containerd',
  },
  { program: 'script', purpose: 'it is the terminal of an exec in an owned container', debianPackage: 'bsdutils' },
  { program: 'stty', purpose: 'terminals of such execs are resized by it', debianPackage: 'coreutils' },
] as const

export interface LocalTasksOptions {
  /** `<root>/tasks`. */
  readonly directory: string
  /** For those that end with their owner. Default: with the others. */
  readonly ownedDirectory?: string | undefined
  readonly runtimes: LocalRuntimes
  /** Default: its own. */
  readonly removals?: Removals | undefined
  /** Default: its own. */
  readonly launchers?: Launchers | undefined
  readonly onTrace?: Trace | undefined
  /** For tests of crashes: called before each step. */
  readonly beforeStep?: ((step: string) => void | Promise<void>) | undefined
}

/** Closing it ends the owned processes that this opening started; detached ones go on. */
export async function openLocalTasks(options: LocalTasksOptions): Promise<CarriedTasks> {
  const { directory, ownedDirectory = directory, runtimes, onTrace, beforeStep } = options
  const launchers = options.launchers ?? new Launchers(await chooseLauncher())
  const run: ProgramRunner = (file, args) => launchers.run(file, args)
  const removals = options.removals ?? new Removals(onTrace, run)
  const { pid, startTime } = await ourselves()
  const files = new TaskFiles(directory, removals, ownedDirectory)
  for (const one of files.directories) mkdirSync(one, { recursive: true, mode: 0o700 })
  const trace: Trace = (entry) => {
    onTrace?.(entry)
  }
  const step = async (name: string): Promise<void> => beforeStep?.(name)
  // Called as what is half-made is: of a process that is dead, it is found and removed as such.
  const passing = (name: string): string => join(ownedDirectory, `.new-${pid}-${startTime}-${name}`)
  const fifos = new FifoPool(passing(`fifos-${(opened += 1)}`), run)
  const filters = new CompiledFilters({ directory: runtimes.answers, bundle: passing, trace })
  const context: LocalContext = {
    files,
    runtimes,
    runtimeNames: runtimes.names,
    cgroups: new Cgroups(),
    fifos,
    filters,
    step,
    trace,
  }
  const foreground = new Foreground(context, launchers)
  const clients = new ShimClients(context.files)
  const shims = new Shims(context, clients)
  return new CarriedTasks({
    carrier: localCarrier(context, foreground, shims, clients),
    files: context.files,
    cgroups: context.cgroups,
    runtimes,
    makeFifo: (path) => fifos.place(path),
    step,
    trace,
    closing: () => foreground.close(),
    closed: async () => {
      clients.close()
      await filters.close()
      await fifos.close()
      if (options.removals === undefined) await removals.close()
      if (options.launchers === undefined) await launchers.close()
    },
  })
}
let opened = 0
