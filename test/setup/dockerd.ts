// A dockerd of the test's own: data, state and socket in a temporary directory. It starts its own containerd.
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'
import { type Daemon, killContainers, links, pings, requirePrivateNamespaces, startDaemon, sweep } from './daemon.js'

const execute = promisify(execFile)

export interface TestDockerd extends Closeable {
  readonly socketPath: string
  /** `unix://` and the socket. */
  readonly url: string
  readonly directory: string
  readonly pid: number
  /** SIGTERM, wait, start again on the same data. */
  restart(): Promise<void>
  /** What Docker's own client prints on standard output, without the last end of line. */
  docker(...args: readonly string[]): Promise<string>
}
export interface DockerdOptions {
  /** Whether containers may have a network; without, they have loopback or the machine's. Default true. */
  readonly bridge?: boolean
  /** Further arguments. */
  readonly args?: readonly string[]
}

/** Resolves when it answers. Closing ends it, its containers and its containerd, and removes what they had. */
export async function startTestDockerd({ bridge = true, args = [] }: DockerdOptions = {}): Promise<TestDockerd> {
  requirePrivateNamespaces()
  const directory = await mkdtemp(join(tmpdir(), 'dockerd-'))
  const socketPath = join(directory, 'docker.sock')
  const url = `unix://${socketPath}`
  const cgroup = `pouch-sdk-${basename(directory)}`
  const leftovers = { directory, cgroups: [cgroup], links: await links() }
  await mkdir(join(directory, 'client'))
  // The machine's own /etc/docker/daemon.json is none of the test's.
  await writeFile(join(directory, 'daemon.json'), '{}')
  // `--iptables=false`: no rule of its own; published ports go through its proxy.
  const command = [
    'dockerd',
    ...['--host', url, '--config-file', join(directory, 'daemon.json'), '--pidfile', join(directory, 'pid')],
    ...['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec'), '--cgroup-parent', `/${cgroup}`],
    ...[
      '--iptables=false',
      '--ip6tables=false',
      '--ip-masq=false',
      '--oom-score-adjust=0',
      '--shutdown-timeout=1',
      '--storage-driver=overlay2',
    ],
    ...(bridge ? [] : ['--bridge=none']),
    ...args,
  ]
  const start = async (): Promise<Daemon> => {
    const daemon = await startDaemon({ command, directory, log: join(directory, 'log'), ready: () => pings(socketPath) })
    await chmod(socketPath, 0o600)
    return daemon
  }
  // It waits 10 s for a container that does not hear SIGTERM.
  const stop = async (): Promise<void> => {
    await Promise.all([daemon.stop(), killContainers(leftovers.cgroups)])
  }
  let daemon: Daemon
  try {
    daemon = await start()
  } catch (error) {
    await sweep(leftovers)
    throw error
  }
  return {
    socketPath,
    url,
    directory,
    get pid() {
      return daemon.pid
    },
    async restart() {
      await stop()
      daemon = await start()
    },
    async docker(...command) {
      const env = { ...process.env, DOCKER_HOST: url, DOCKER_CONFIG: join(directory, 'client') }
      const { stdout } = await execute('docker', [...command], { env, maxBuffer: 64 << 20 })
      return stdout.trimEnd()
    },
    ...closeable(async () => {
      await stop()
      await sweep(leftovers)
    }),
  }
}
