// An sshd of the test's own on loopback, with throwaway keys, and a program `ssh` that is the real one with a configuration that knows them.
import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'
import { requirePrivateNamespaces, startDaemon } from './daemon.js'
import { freePort } from './free-port.js'
import { processesNaming } from './outside.js'

const execute = promisify(execFile)

/** What the client is given: the key that is let in or another, the host's own key or another. */
export type SshManner = 'welcome' | 'stranger' | 'unknown host'

export interface TestSshd extends Closeable {
  readonly port: number
  /** A folder whose `ssh` behaves so, for the PATH. */
  client(manner: SshManner): Promise<string>
  /** How many times somebody was let in so far. */
  accepted(): Promise<number>
  /** Processes of clients, and of sshd that serve one. */
  sessions(): Promise<readonly string[]>
}
/** `env`: what the commands of its users find in their environment. */
export async function startTestSshd({ env = {} }: { readonly env?: Readonly<Record<string, string>> } = {}): Promise<TestSshd> {
  requirePrivateNamespaces()
  const directory = await mkdtemp(join(tmpdir(), 'sshd-'))
  const at = (name: string): string => join(directory, name)
  // It drops its rights into this directory, and wants it to be there.
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  for (const name of ['host', 'welcome', 'stranger']) await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)])
  await copyFile(at('welcome.pub'), at('authorized'))
  const port = await freePort()
  const settings = Object.entries(env).map(([name, value]) => `${name}="${value}"`)
  const lines = [
    ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${at('host')}`, 'PidFile none', 'LogLevel INFO'],
    ...[`AuthorizedKeysFile ${at('authorized')}`, 'StrictModes no', 'UsePAM no', 'PasswordAuthentication no'],
    ...['KbdInteractiveAuthentication no', 'PermitRootLogin prohibit-password', 'MaxStartups 100', 'MaxSessions 100'],
    ...(settings.length === 0 ? [] : [`SetEnv ${settings.join(' ')}`]),
  ]
  await writeFile(at('sshd_config'), lines.join('\n'))
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true })
  const daemon = await startDaemon({
    // It starts itself anew by its own path, which must be absolute.
    command: ['/usr/sbin/sshd', '-D', '-e', '-f', at('sshd_config')],
    directory,
    log: at('log'),
    ready: () => listens(port),
  }).catch(async (error: unknown) => {
    await remove()
    throw error
  })
  const known = await readFile(at('host.pub'), 'utf8')
  const other = await readFile(at('stranger.pub'), 'utf8')
  return {
    port,
    async client(manner) {
      const folder = await mkdtemp(join(directory, 'client-'))
      await writeFile(join(folder, 'known'), `[127.0.0.1]:${port} ${manner === 'unknown host' ? other : known}`)
      const identity = at(manner === 'stranger' ? 'stranger' : 'welcome')
      const config = [
        `IdentityFile ${identity}`,
        'IdentitiesOnly yes',
        `UserKnownHostsFile ${join(folder, 'known')}`,
        'GlobalKnownHostsFile none',
      ]
      await writeFile(join(folder, 'config'), config.join('\n'))
      await writeFile(join(folder, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F "${join(folder, 'config')}" "$@"\n`)
      await chmod(join(folder, 'ssh'), 0o755)
      return folder
    },
    async accepted() {
      return (await readFile(at('log'), 'utf8')).split('\n').filter((line) => line.includes('Accepted publickey')).length
    },
    async sessions() {
      const [clients, served, dials] = await Promise.all(['ssh -F', 'sshd: ', 'dial-stdio'].map(processesNaming))
      return [...new Set([...(clients ?? []), ...(served ?? []), ...(dials ?? [])])].filter((line) => !line.includes('[listener]'))
    },
    ...closeable(async () => {
      await daemon.stop()
      await remove()
    }),
  }
}

async function listens(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } finally {
    socket.destroy()
  }
}
