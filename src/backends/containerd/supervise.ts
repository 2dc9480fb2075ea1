// A containerd of our own, as a child of this process: it ends with us, however we end. Containers go on under their shims.
import { type ChildProcess, spawn } from 'node:child_process'
import { access, chmod, constants, mkdir, open, rename, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { EngineError } from '../../errors.js'
import type { CallOptions, Closeable } from '../../model/common.js'
import type { Trace } from '../../model/trace.js'
import type { Locks } from '../../ports/engine/locks.js'
import { raceAbort } from '../../util/abort.js'
import { closeable } from '../../util/closeable.js'
import { fsError } from '../../util/fs-error.js'
import { openChannel } from './channel.js'
import { type DaemonPaths, daemonConfig, daemonPaths } from './daemon-config.js'
import { clearStale } from './daemon-stale.js'
import { runtimeEnvironment } from '../host/runtimes/runtime-environment.js'
import { searchPath } from '../host/runtimes/runtimes.js'

export interface SuperviseOptions extends CallOptions {
  /** The engine's root; all of the daemon goes below `<root>/daemon`. */
  readonly root: string
  /** Of the root: only one process may have its daemon. */
  readonly locks: Pick<Locks, 'tryAcquire'>
  readonly onTrace?: Trace | undefined
}
export interface DaemonEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The end of what it said. */
  readonly log: string
}
/** Closing it stops the daemon, and no container. */
export interface SupervisedContainerd extends Closeable {
  readonly address: string
  readonly pid: number
  /** Resolves when it has ended, asked or not. */
  readonly exited: Promise<DaemonEnd>
}

const startMs = 30_000
const stopMs = 10_000

/** Resolves when it answers. On failure nothing runs. */
export async function superviseContainerd(options: SuperviseOptions): Promise<SupervisedContainerd> {
  const { root, locks, signal } = options
  signal?.throwIfAborted()
  const paths = daemonPaths(root)
  const [containerd, setpriv] = await Promise.all([onPath('containerd', 'containerd'), onPath('setpriv', 'util-linux')])
  const lock = await locks.tryAcquire('daemon', { signal })
  if (lock === undefined) throw new EngineError('failed_precondition', `root "${root}" has a containerd that another process supervises`)
  let daemon: Daemon | undefined
  try {
    await prepare(paths, options).catch((error: unknown) => {
      throw fsError(error, `"${paths.directory}"`)
    })
    daemon = await Daemon.start(containerd, setpriv, paths)
    const started = daemon
    await writeFile(paths.pid, String(daemon.pid), { mode: 0o600 })
    await answer(daemon, paths, signal)
    for (const socket of [paths.socket, `${paths.socket}.ttrpc`]) await chmod(socket, 0o600)
    return {
      address: paths.socket,
      pid: started.pid,
      exited: started.exited,
      ...closeable(async () => {
        try {
          await started.stop()
        } catch (error) {
          options.onTrace?.({ kind: 'undo', name: `stop containerd of "${root}"`, error })
        } finally {
          await lock.close()
        }
      }),
    }
  } catch (error) {
    await daemon?.stop()
    await lock.close()
    throw error
  }
}

async function prepare(paths: DaemonPaths, { root, onTrace, signal }: SuperviseOptions): Promise<void> {
  await mkdir(paths.directory, { recursive: true, mode: 0o700 })
  for (const line of await clearStale(paths, { signal })) onTrace?.({ kind: 'repair', name: `containerd of "${root}": ${line}` })
  for (const directory of [paths.root, paths.state, paths.opt]) await mkdir(directory, { recursive: true, mode: 0o700 })
  const temporary = `${paths.config}.new`
  await writeFile(temporary, daemonConfig(paths), { mode: 0o600 })
  await rename(temporary, paths.config)
}

class Daemon {
  readonly pid: number
  readonly exited: Promise<DaemonEnd>
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, pid: number, log: string) {
    this.#child = child
    this.pid = pid
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        void tailOf(log).then((text) => {
          resolve({ code, signal, log: text })
        })
      })
    })
  }
  static async start(containerd: string, setpriv: string, paths: DaemonPaths): Promise<Daemon> {
    const log = await open(paths.log, 'w', 0o600)
    try {
      // The kernel kills it when we die, by SIGKILL too: no watcher is needed. `setpriv` becomes it.
      const child = spawn(setpriv, ['--pdeathsig', 'KILL', containerd, '--config', paths.config], {
        stdio: ['ignore', log.fd, log.fd],
        cwd: paths.directory,
        env: { ...process.env, ...runtimeEnvironment(), PATH: searchPath() },
        detached: true, // a Ctrl-C in our terminal is ours to answer
      })
      const failed = new Promise<never>((_resolve, reject) => {
        child.once('error', reject)
      })
      failed.catch(() => {})
      if (child.pid === undefined) await failed
      return new Daemon(child, child.pid as number, paths.log)
    } finally {
      await log.close()
    }
  }
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => {
      this.#child.kill('SIGKILL')
    }, stopMs)
    try {
      await this.exited
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Until the socket answers, or the child has ended. */
async function answer(daemon: Daemon, paths: DaemonPaths, signal: AbortSignal | undefined): Promise<void> {
  const stop = new AbortController()
  const died = daemon.exited.then(({ code, signal: killed, log }): never => {
    const how = killed === null ? `with ${code}` : `by ${killed}`
    throw new EngineError(
      'unavailable',
      `containerd ended ${how} while it started: ${log.trim().replaceAll('\n', '; ') || 'it said nothing'}`,
    )
  })
  died.catch(() => {})
  const ready = openChannel({ address: paths.socket, namespace: 'pouch-sdk', waitForReady: true, deadlineMs: startMs, signal: stop.signal })
  try {
    await raceAbort(Promise.race([ready.then((channel) => channel.close()), died]), signal)
  } finally {
    stop.abort(new EngineError('unavailable', 'nobody waits for containerd any more'))
    ready.catch(() => {})
  }
}

async function onPath(name: string, packageName: string): Promise<string> {
  for (const directory of searchPath().split(delimiter)) {
    const path = join(directory, name)
    try {
      await access(path, constants.X_OK)
      return path
    } catch {
      /* the next */
    }
  }
  throw new EngineError(
    'failed_precondition',
    `no "${name}" on this machine: install the package "${packageName}" (apt-get install ${packageName})`,
  )
}

const tailBytes = 2_000
async function tailOf(path: string): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      const { buffer, bytesRead } = await file.read(Buffer.alloc(tailBytes), 0, tailBytes, Math.max(0, size - tailBytes))
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch {
    return ''
  }
}
