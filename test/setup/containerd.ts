// A containerd of the test's own: root, state and socket in a temporary directory. Its mounts and its /run are ours, so the
// whole run must be in private namespaces (`npm test`).
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Closeable } from '../../src/model/common.js'
import { openChannel } from '../../src/backends/containerd/channel.js'
import { closeable } from '../../src/util/closeable.js'

export interface TestContainerd extends Closeable {
  readonly address: string
  readonly directory: string
  readonly pid: number
  /** SIGKILL, wait, start again on the same data. */
  restart(): Promise<void>
  /** SIGKILL and wait. */
  kill(): Promise<void>
}

/** Resolves when it answers. Closing kills it and removes its directory. */
export async function startTestContainerd(): Promise<TestContainerd> {
  if (process.env.POUCH_SDK_PRIVATE_NAMESPACES !== '1') throw new Error('tests with daemons run in private namespaces: npm test -- FILE')
  const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-containerd-'))
  const address = join(directory, 'containerd.sock')
  const config = join(directory, 'config.toml')
  await writeFile(config, configuration(directory, address))
  let child = await boot(config, address, directory)
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  return {
    address,
    directory,
    get pid() {
      return child.pid ?? -1
    },
    kill,
    async restart() {
      await kill()
      child = await boot(config, address, directory)
    },
    ...closeable(async () => {
      await kill()
      await rm(directory, { recursive: true, force: true })
    }),
  }
}

async function boot(config: string, address: string, directory: string): Promise<ReturnType<typeof spawn>> {
  await rm(address, { force: true })
  const log = join(directory, 'log')
  const script = 'exec containerd --config "$0" >"$1" 2>&1'
  const child = spawn('sh', ['-c', script, config, log], { stdio: 'ignore' })
  const dead = once(child, 'exit').then(async () => {
    throw new Error(`containerd ended: ${await readFile(log, 'utf8')}`)
  })
  dead.catch(() => {})
  const ready = openChannel({ address, namespace: 'probe', waitForReady: true, deadlineMs: 20_000 }).then((channel) => channel.close())
  await Promise.race([ready, dead])
  return child
}

const configuration = (directory: string, address: string): string => `version = 2
root = ${JSON.stringify(join(directory, 'root'))}
state = ${JSON.stringify(join(directory, 'state'))}
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.internal.v1.restart"]
[grpc]
  address = ${JSON.stringify(address)}
`
