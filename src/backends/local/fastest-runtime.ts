// Which runtime runs a container that names none: the one that is fastest on this machine, found by running `true` with each of them.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { isEngineError } from '../../errors.js'
import type { CallOptions, Mount } from '../../model/common.js'
import type { RuntimeSpec } from '../../model/process.js'
import type { Trace } from '../../model/trace.js'
import type { TaskService } from '../../ports/engine/tasks.js'
import { binaryKey, replaceFile } from '../host/runtimes/runtimes.js'
import { readSmall, removeTree } from '../host/small-files.js'
import type { LocalRuntimes } from './runtimes.js'
import { openLocalTasks } from './tasks/open.js'

export interface FastestOptions extends CallOptions {
  readonly onTrace?: Trace | undefined
}
/** Noise of a machine makes one slower, never faster. */
const tries = 5
const probeMs = 10_000

/**
 * Of those in the table whose program is there. Asked once for each boot and set of programs: later calls read the answer. One that
 * does not run here is passed over; where none does, it is the first. `undefined`: none is there.
 */
export async function fastestRuntime(runtimes: LocalRuntimes, options: FastestOptions = {}): Promise<string | undefined> {
  const usable = runtimes.names.filter((name) => isUsable(runtimes, name))
  const [first, second] = usable
  if (first === undefined || second === undefined) return first
  const keys = await Promise.all(usable.map((name) => binaryKey(runtimes.resolve({ name }).form.binary, [name])))
  const kept = join(runtimes.answers, `.fastest-${keys.map((key) => key.slice(0, 8)).join('-')}`)
  const known = readSmall(kept)
  if (known !== undefined && usable.includes(known)) return known
  const best = await probe(runtimes, usable, options)
  await replaceFile(kept, best ?? first, 0o600)
  return best ?? first
}

async function probe(runtimes: LocalRuntimes, names: readonly string[], { signal, onTrace }: FastestOptions): Promise<string | undefined> {
  const directory = join(runtimes.answers, `.probe-${randomBytes(5).toString('hex')}`)
  const tasks = await openLocalTasks({ directory, runtimes })
  try {
    let best: { readonly name: string; readonly ms: number } | undefined
    // In turn, so that what the machine does meanwhile is shared.
    for (let turn = 0; turn < tries; turn += 1) {
      for (const name of names) {
        const ms = await timed(tasks, name, signal).catch((error: unknown) => {
          signal?.throwIfAborted()
          onTrace?.({ kind: 'warning', name: `probe of runtime ${name}`, error })
        })
        if (ms !== undefined && (best === undefined || ms < best.ms)) best = { name, ms }
      }
    }
    return best?.name
  } finally {
    await tasks.close()
    await removeTree(directory)
  }
}
async function timed(tasks: TaskService, name: string, signal: AbortSignal | undefined): Promise<number | undefined> {
  const containerId = `probe-${randomBytes(8).toString('hex')}`
  const options = { signal: signal ?? AbortSignal.timeout(probeMs) }
  const from = performance.now()
  const stdio = { tty: false, stdin: false, attach: false }
  const request = { containerId, runtime: { name }, spec: spec(containerId), rootfs: [own], stdio, lifetime: 'owned' } as const
  try {
    await tasks.run(request, options)
    const { exitCode } = await tasks.wait({ containerId }, options)
    return exitCode === 0 ? performance.now() - from : undefined
  } finally {
    await tasks.delete({ containerId }, { kill: true })
  }
}

/** This machine's own root, to be read only: it has a `true`. */
const own: Mount = { type: 'bind', source: '/', options: ['rbind'] }
function spec(containerId: string): RuntimeSpec {
  return {
    ociVersion: '1.0.2',
    process: { user: { uid: 0, gid: 0 }, args: ['/bin/true'], env: [], cwd: '/', noNewPrivileges: true },
    root: { path: 'rootfs', readonly: true },
    mounts: [],
    linux: {
      cgroupsPath: `/pouch-sdk-${containerId}`,
      namespaces: ['ipc', 'mount', 'network', 'pid', 'uts'].map((type) => ({ type })),
    },
  }
}
function isUsable(runtimes: LocalRuntimes, name: string): boolean {
  try {
    runtimes.check({ name })
    return true
  } catch (error) {
    if (isEngineError(error)) return false
    throw error
  }
}
