// Does a runtime refuse a machine whose cgroup v1 tree has a v2 mount with controllers? Asked of the runtime itself.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallOptions } from '../../../model/common.js'
import { onAbort } from '../../../util/abort.js'
import { runtimeEnvironment } from './runtime-environment.js'

const mostMs = 10_000

/** Where such a mount is; `undefined` on any other layout. */
export async function hybridCgroup(mountinfo?: string): Promise<string | undefined> {
  const lines = (mountinfo ?? (await readFile('/proc/self/mountinfo', 'utf8'))).split('\n')
  const mounted = (type: string): string[] => lines.filter((line) => line.includes(` - ${type} `)).map((line) => line.split(' ')[4] ?? '')
  const [unified] = mounted('cgroup2')
  if (unified === undefined || mounted('cgroup').length === 0) return undefined
  try {
    return (await readFile(join(unified, 'cgroup.controllers'), 'utf8')).trim() === '' ? undefined : unified
  } catch {
    return undefined
  }
}

const probe = {
  ociVersion: '1.0.2',
  process: { user: { uid: 0, gid: 0 }, args: ['/nothing'], cwd: '/', env: [] },
  root: { path: 'root' },
  mounts: [],
  linux: { cgroupsPath: '/pouch-sdk-probe', namespaces: [{ type: 'pid' }, { type: 'mount' }] },
}

/**
 * Asks it to create a container that no layout could run: it says so, or it refuses the layout first. Nothing is left.
 * `undefined`: it could not be run, or not to its end.
 */
export async function refusesHybrid(binary: string, directory: string, options: CallOptions = {}): Promise<boolean | undefined> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const bundle = await mkdtemp(join(directory, '.probe-'))
  try {
    await mkdir(join(bundle, 'root'), { mode: 0o700 })
    await writeFile(join(bundle, 'config.json'), JSON.stringify(probe))
    const state = ['--root', join(bundle, 'state')]
    try {
      const said = await run(binary, [...state, 'create', '--bundle', bundle, 'probe'], join(bundle, 'said'), options)
      return said === undefined ? undefined : /hybrid mode not supported/i.test(said)
    } finally {
      // Also of a call that was given up: what was created waits to be started.
      await run(binary, [...state, 'delete', '--force', 'probe'], join(bundle, 'said'))
    }
  } finally {
    await rm(bundle, { recursive: true, force: true })
  }
}

/** What it said, by way of a file: of a pipe a container that was created keeps the other end. */
async function run(binary: string, args: readonly string[], said: string, { signal }: CallOptions = {}): Promise<string | undefined> {
  signal?.throwIfAborted()
  await using file = await open(said, 'w+', 0o600)
  const env = { ...process.env, ...runtimeEnvironment() }
  const child = spawn(binary, args, { env, stdio: ['ignore', file.fd, file.fd], timeout: mostMs, killSignal: 'SIGKILL' })
  using _killing = onAbort(signal, () => {
    child.kill('SIGKILL')
  })
  const ended = await once(child, 'exit').then(
    ([code]) => typeof code === 'number',
    () => false,
  )
  signal?.throwIfAborted()
  return ended ? readFile(said, 'utf8') : undefined
}
