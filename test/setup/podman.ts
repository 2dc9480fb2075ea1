// A Podman service of the test's own, which speaks Docker's API: storage, state, settings and socket in a temporary directory.
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'
import { type Daemon, links, pings, requirePrivateNamespaces, startDaemon, sweep } from './daemon.js'
import { removeCgroup } from './outside.js'

const execute = promisify(execFile)

export interface TestPodman extends Closeable {
  readonly socketPath: string
  /** `unix://` and the socket. */
  readonly url: string
  readonly directory: string
  readonly pid: number
  /** SIGTERM, wait, start again on the same data. Containers run on: they are conmon's. */
  restart(): Promise<void>
  /** What Podman's own client, without the service, prints on standard output, without the last end of line. */
  podman(...args: readonly string[]): Promise<string>
}

const pidMax = '/proc/sys/kernel/pid_max'
/** Where Podman and its network plugins write whatever their settings say. */
const elsewhere = ['/var/lib/cni', '/var/lib/containers'] as const

/** Resolves when it answers. Closing ends it and its containers, and removes what they had. */
export async function startTestPodman(): Promise<TestPodman> {
  requirePrivateNamespaces()
  const directory = await mkdtemp(join(tmpdir(), 'podman-'))
  const at = (...names: readonly string[]): string => join(directory, ...names)
  const socketPath = at('podman.sock')
  const url = `unix://${socketPath}`
  const before = await links()
  await settings(directory)
  for (const [index, path] of elsewhere.entries()) {
    await mkdir(at(`elsewhere-${index}`))
    await mkdir(path, { recursive: true })
    await execute('mount', ['--bind', at(`elsewhere-${index}`), path])
  }
  const env = {
    CONTAINERS_CONF: at('containers.conf'),
    CONTAINERS_REGISTRIES_CONF: at('registries.conf'),
    CONTAINERS_STORAGE_CONF: at('storage.conf'),
    TMPDIR: at('tmp'),
  }
  // crun 1.8 refuses the hybrid layout of cgroups, and no systemd is here to make them or to keep the events.
  const client = [
    ...['podman', '--root', at('root'), '--runroot', at('runroot'), '--tmpdir', at('libpod'), '--network-config-dir', at('networks')],
    ...['--runtime=runc', '--cgroup-manager=cgroupfs', '--events-backend=file', '--storage-driver=overlay'],
  ]
  const command = [...client, 'system', 'service', '--time=0', url]
  const podman = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await execute('podman', [...client.slice(1), ...args], { env: { ...process.env, ...env }, maxBuffer: 64 << 20 })
    return stdout.trimEnd()
  }
  const start = async (): Promise<Daemon> => {
    const daemon = await startDaemon({ command, env, directory, log: at('log'), ready: () => pings(socketPath) })
    await chmod(socketPath, 0o600)
    return daemon
  }
  const end = async (daemon?: Daemon): Promise<void> => {
    const ids = (await readdir(at('root', 'overlay-containers')).catch(() => [])).filter((name) => /^[0-9a-f]{64}$/.test(name))
    if (ids.length > 0) await podman('rm', '--all', '--force', '--time=0').catch(() => {})
    await daemon?.stop()
    for (const path of elsewhere) await execute('umount', ['--lazy', path])
    await sweep({ directory, cgroups: ids.map((id) => `libpod_parent/libpod-${id}`), links: before })
    await removeCgroup('libpod_parent')
  }
  let daemon: Daemon
  try {
    daemon = await start()
  } catch (error) {
    await end()
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
      await daemon.stop()
      daemon = await start()
    },
    podman,
    ...closeable(() => end(daemon)),
  }
}

async function settings(directory: string): Promise<void> {
  const at = (name: string): string => JSON.stringify(join(directory, name))
  for (const name of ['networks', 'tmp']) await mkdir(join(directory, name))
  // Without limits of ours root's containers ask for a million files and processes, which needs CAP_SYS_RESOURCE. Podman lowers its own
  // number of processes to the highest process id.
  const { stdout: init } = await execute('sh', ['-c', 'command -v tini-static'])
  const files = await hardLimit('open files')
  const processes = Math.min(await hardLimit('processes'), Number(await readFile(pidMax, 'utf8')))
  const limits = [`nofile=${files}:${files}`, `nproc=${processes}:${processes}`]
  // Locks in files: those in shared memory are one set for all of the machine's Podmans.
  await writeFile(
    join(directory, 'containers.conf'),
    `[containers]
default_ulimits = ${JSON.stringify(limits)}
[network]
network_backend = "cni"
cni_plugin_dirs = ["/usr/lib/cni"]
[engine]
lock_type = "file"
runtime = "runc"
init_path = ${JSON.stringify(init.trim())}
volume_path = ${at('volumes')}
events_logfile_path = ${at('events')}
image_copy_tmp_dir = ${at('tmp')}
`,
  )
  await writeFile(join(directory, 'registries.conf'), '[[registry]]\nprefix = "127.0.0.1"\nlocation = "127.0.0.1"\ninsecure = true\n')
  await writeFile(join(directory, 'storage.conf'), `[storage]\ndriver = "overlay"\nrunroot = ${at('runroot')}\ngraphroot = ${at('root')}\n`)
}

async function hardLimit(name: string): Promise<number> {
  const hard = new RegExp(`^Max ${name} +\\w+ +(\\d+)`, 'm').exec(await readFile('/proc/self/limits', 'utf8'))?.[1]
  return hard === undefined ? 1 << 20 : Number(hard)
}
