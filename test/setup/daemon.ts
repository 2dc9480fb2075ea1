// A daemon of the test's own: its log, its readiness, its end, and whatever it would leave behind in this run's private namespaces.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readdir, readFile, rm, rmdir } from 'node:fs/promises'
import { request } from 'node:http'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { cgroupDirectories, mountsBelow, processesNaming } from './outside.js'

const execute = promisify(execFile)

/** A daemon's mounts, links and its /run are the machine's unless the whole run has its own. */
export function requirePrivateNamespaces(): void {
  if (process.env.POUCH_SDK_PRIVATE_NAMESPACES !== '1') throw new Error('tests with daemons run in private namespaces: npm test -- FILE')
}

export interface Daemon {
  readonly pid: number
  /** SIGTERM, and SIGKILL after the grace. Resolves when it has ended; of one that has, at once. */
  stop(graceMs?: number): Promise<void>
}
export interface DaemonCommand {
  readonly command: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** Where it runs: some write into it. */
  readonly directory: string
  /** What it says goes here, behind what is there. */
  readonly log: string
  /** Asked again and again until it resolves with true. */
  ready(): Promise<boolean>
  /** Default 30 000. */
  readonly deadlineMs?: number
}

/** Resolves when it is ready; a daemon that ends or does not answer in time is an error with the end of its log. */
export async function startDaemon({ command, env, directory, log, ready, deadlineMs = 30_000 }: DaemonCommand): Promise<Daemon> {
  const [program = '', ...args] = command
  const output = await open(log, 'a')
  const child = spawn(program, args, { cwd: directory, stdio: ['ignore', output.fd, output.fd], env: { ...process.env, ...env } })
  let end: string | undefined
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      end = error.message
      resolve()
    })
    child.once('exit', (code, signal) => {
      end = `exit code ${String(code ?? signal)}`
      resolve()
    })
  })
  await output.close()
  const stop: Daemon['stop'] = async (graceMs = 10_000) => {
    if (end !== undefined) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
    await ended
    clearTimeout(timer)
  }
  const deadline = performance.now() + deadlineMs
  while (!(await ready().catch(() => false))) {
    if (end === undefined && performance.now() < deadline) {
      await Promise.race([ended, delay(20)])
      continue
    }
    const why = end ?? `not ready after ${deadlineMs} ms`
    await stop(0)
    throw new Error(`"${program}" ${why}: ${(await readFile(log, 'utf8')).slice(-4096)}`)
  }
  return { pid: child.pid ?? -1, stop }
}

/** Whether something answers `GET /_ping` on a unix socket with 200. */
export async function pings(socketPath: string): Promise<boolean> {
  const asking = request({ socketPath, path: '/_ping', signal: AbortSignal.timeout(2_000) }).end()
  const [response] = await once(asking, 'response')
  response.resume()
  return response.statusCode === 200
}

/** Names of the network links. */
export async function links(): Promise<ReadonlySet<string>> {
  return new Set(await readdir('/sys/class/net').catch(() => []))
}

export interface Leftovers {
  /** Everything below it: processes that name it or have their root there, mounts, and itself. */
  readonly directory: string
  /** Control groups, relative to a hierarchy: their processes are killed. */
  readonly cgroups: readonly string[]
  /** Those that were there before. */
  readonly links: ReadonlySet<string>
}

/** Takes away what a stopped daemon left. Throws when something withstands: then the test has left it, too. */
export async function sweep({ directory, cgroups, links: before }: Leftovers): Promise<void> {
  await killAll(async () => [...(await processesIn(cgroups)), ...(await pidsNaming(directory)), ...(await pidsRootedIn(directory))])
  for (const point of (await mountsBelow(directory)).reverse()) await execute('umount', ['--lazy', point])
  for (const name of await links()) if (!before.has(name)) await execute('ip', ['link', 'delete', name]).catch(() => {})
  for (const cgroup of cgroups) for (const path of await cgroupDirectories(cgroup)) await removeTree(path)
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
}

/** Until no process is left in these control groups. */
export async function killContainers(cgroups: readonly string[]): Promise<void> {
  await killAll(() => processesIn(cgroups))
}
async function killAll(find: () => Promise<readonly number[]>): Promise<void> {
  const deadline = performance.now() + 10_000
  for (let alive = await find(); alive.length > 0; alive = await find()) {
    if (performance.now() > deadline) throw new Error(`processes ${alive.join(', ')} withstand SIGKILL`)
    for (const pid of alive) kill(pid)
    await delay(20)
  }
}

async function pidsNaming(text: string): Promise<number[]> {
  return (await processesNaming(text)).map((line) => Number(line.split(' ', 1)[0]))
}
/** Those whose root is mounted from there: a step of a build that was left is in no control group of ours. */
async function pidsRootedIn(directory: string): Promise<number[]> {
  const found: number[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const mounts = (await readFile(join('/proc', pid, 'mountinfo'), 'utf8').catch(() => '')).split('\n')
    if (mounts.some((line) => line.split(' ')[4] === '/' && line.includes(`=${directory}/`))) found.push(Number(pid))
  }
  return found
}
async function processesIn(cgroups: readonly string[]): Promise<number[]> {
  const pids = new Set<number>()
  const visit = async (path: string): Promise<void> => {
    const text = await readFile(join(path, 'cgroup.procs'), 'utf8').catch(() => '')
    for (const line of text.split('\n')) if (Number(line) > 0) pids.add(Number(line))
    for (const child of await childrenOf(path)) await visit(child)
  }
  for (const cgroup of cgroups) for (const path of await cgroupDirectories(cgroup)) await visit(path)
  return [...pids]
}
async function removeTree(path: string): Promise<void> {
  for (const child of await childrenOf(path)) await removeTree(child)
  await rmdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new Error(`the control group "${basename(path)}" stays: ${error.message}`)
  })
}
async function childrenOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  return entries.flatMap((entry) => (entry.isDirectory() ? [join(path, entry.name)] : []))
}
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Gone meanwhile.
  }
}
