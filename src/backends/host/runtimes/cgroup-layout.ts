// Does a runtime refuse a machine whose cgroup v1 tree has a v2 mount with controllers? Asked of the runtime itself.
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallOptions } from '../../../model/common.js'

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

/** Asks it to create a container that no layout could run: it says so, or it refuses the layout first. Nothing is left. */
export async function refusesHybrid(binary: string, directory: string, options: CallOptions = {}): Promise<boolean> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const bundle = await mkdtemp(join(directory, '.probe-'))
  try {
    await mkdir(join(bundle, 'root'), { mode: 0o700 })
    await writeFile(join(bundle, 'config.json'), JSON.stringify(probe))
    const state = ['--root', join(bundle, 'state')]
    const said = await run(binary, [...state, 'create', '--bundle', bundle, 'probe'], options)
    if (/hybrid mode not supported/i.test(said)) return true
    await run(binary, [...state, 'delete', '--force', 'probe'], options)
    return false
  } finally {
    await rm(bundle, { recursive: true, force: true })
  }
}

function run(binary: string, args: readonly string[], { signal }: CallOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      binary,
      args,
      { timeout: 10_000, killSignal: 'SIGKILL', maxBuffer: 1 << 20, ...(signal && { signal }) },
      (_error, stdout, stderr) => {
        if (signal?.aborted === true) reject(signal.reason)
        else resolve(`${stdout}${stderr}`)
      },
    ).stdin?.end()
  })
}
