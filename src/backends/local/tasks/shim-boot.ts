// Starts a shim for one container. Not by its own `start`, which would put its socket into a directory of the whole machine.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { EngineError } from '../../../errors.js'
import { sleep, within } from '../../../util/abort.js'
import { programFolders } from '../../host/programs.js'
import { runtimeEnvironment } from '../../host/runtimes/runtime-environment.js'
import { readSmall } from '../../host/small-files.js'
import { named } from '../../host/tasks/context.js'
import type { ProcessFiles, TaskState } from '../../host/tasks/task-files.js'
import type { ShimForm } from '../runtimes.js'
import { prepareLaunch, tableName } from './launch.js'
import { type ShimClients, socketName } from './shim-clients.js'

/** The shim's own words go there, by this name. */
const shimLogName = 'log'
/** Called with each event that the shim cannot tell containerd. */
const publisher = '/bin/true'
const bootMs = 10_000

export interface ShimBoot {
  readonly files: ProcessFiles
  readonly state: TaskState
  readonly shim: ShimForm
  /** Only of a shim with a mount namespace of its own. */
  readonly hiddenCgroup: string | undefined
  readonly clients: ShimClients
}

/** Resolves when it answers. On failure it may be there: whoever undoes the run ends it. */
export async function bootShim({ files, state, shim, hiddenCgroup, clients }: ShimBoot): Promise<void> {
  writeFileSync(files.path(shimLogName), '', { mode: 0o600 })
  const socket = socketName(state)
  const args = ['-namespace', shim.namespace, '-id', state.wireId, '-publish-binary', publisher, '-socket', socket]
  const { file, args: words } = await prepareLaunch({
    program: shim.binary,
    args,
    mounts: [],
    hiddenCgroup,
    table: files.path(tableName),
    directory: files.directory,
    mountsItself: state.mode === 'shim',
  })
  const child = spawn(file, words, {
    cwd: files.directory,
    // As containerd starts it: few threads, since it hardly does anything.
    env: { ...runtimeEnvironment(), PATH: programFolders().join(delimiter), LC_ALL: 'C', GOMAXPROCS: '2' },
    stdio: 'ignore',
    detached: true,
  })
  child.unref()
  const ended = new Promise<never>((_, reject) => {
    const fail = (why: string): void => {
      const said = readSmall(files.path(shimLogName)) ?? ''
      reject(new EngineError('internal', `the shim of ${named(state)} ended: ${said.split('\n').at(-2) ?? why}`))
    }
    child.once('error', (error) => {
      fail(error.message)
    })
    child.once('exit', (code, killer) => {
      fail(String(code ?? killer))
    })
  })
  ended.catch(() => {})
  const answered = await within(bootMs, async ({ signal }) => {
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 20)) {
      if ((await clients.present(state)) !== undefined) return true
      await Promise.race([sleep(pauseMs, signal), ended])
    }
  })
  if (answered !== true) throw new EngineError('unavailable', `the shim of ${named(state)} does not answer`)
}
