// What a daemon of an earlier process of this root may have left: itself, its socket, and the state of before a reboot.
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import { hasErrno } from '../../util/fs-error.js'
import { sleep } from '../../util/abort.js'
import type { DaemonPaths } from './daemon-config.js'

const endMs = 10_000

/** For who holds the daemon's lock. A line for each thing put right. */
export async function clearStale(paths: DaemonPaths, options: CallOptions): Promise<readonly string[]> {
  const lines: string[] = []
  if (await endOrphan(paths, options)) lines.push('ended one whose supervisor was gone')
  for (const path of [paths.pid, paths.socket, `${paths.socket}.ttrpc`]) await rm(path, { force: true })
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  const before = await text(paths.boot)
  if (before === boot) return lines
  if (before !== undefined) {
    // Its tasks went down with the machine; so did the mounts below it.
    const doomed = `${paths.state}.${before.trim().slice(0, 8)}`
    await rename(paths.state, doomed).catch(ignoreAbsent)
    await rm(doomed, { recursive: true, force: true })
    lines.push('forgot the state of before the reboot')
  }
  await writeFile(paths.boot, boot, { mode: 0o600 })
  return lines
}

/** One that the kernel was not told to end with its supervisor, in the moment before it could be. */
async function endOrphan(paths: DaemonPaths, { signal }: CallOptions): Promise<boolean> {
  const pid = Number(await text(paths.pid))
  if (!Number.isInteger(pid) || pid <= 1 || !(await isOurs(pid, paths))) return false
  process.kill(pid, 'SIGKILL')
  const begun = performance.now()
  while (await isOurs(pid, paths)) {
    if (performance.now() - begun > endMs) throw new EngineError('unavailable', `containerd ${pid} of "${paths.directory}" does not end`)
    await sleep(10, signal)
  }
  return true
}
/** A number may be another's by now: it is known by its arguments. */
async function isOurs(pid: number, { config }: DaemonPaths): Promise<boolean> {
  const [arguments_, stat] = await Promise.all([text(`/proc/${pid}/cmdline`), text(`/proc/${pid}/stat`)])
  return arguments_?.split('\0').includes(config) === true && !/\) [ZX] /.test(stat ?? ') Z ')
}
async function text(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ESRCH')) return undefined
    throw error
  }
}
function ignoreAbsent(error: unknown): void {
  if (!hasErrno(error, 'ENOENT')) throw error
}
