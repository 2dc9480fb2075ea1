// Who holds locks: a file per opened root whose flock the kernel frees when its process ends, however it ends. Node has no
// flock, but the lock belongs to the open file description: the `flock` command takes it on a descriptor that it
// inherits from us and ends, and it stays ours until we close or die.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Stats } from 'node:fs'
import { constants } from 'node:fs'
import { type FileHandle, open, readFile, readlink, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../errors.js'
import { onAbort } from '../../util/abort.js'
import { hasErrno } from '../../util/fs-error.js'

export interface LockOwner {
  readonly path: string
  readonly file: FileHandle
  readonly stats: Stats
}
const createOnly = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const mostTries = 10

/** Whoever sweeps may take the file for a dead one's until it is locked; then there is another try. */
export async function createOwner(directory: string, signal?: AbortSignal): Promise<LockOwner> {
  const hint = await ownHint()
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const path = join(directory, randomUUID())
    const file = await open(path, createOnly, 0o600)
    try {
      await file.writeFile(hint)
      await flock(file, 'exclusive', signal)
      const stats = await file.stat()
      if (await isAt(path, stats)) return { path, file, stats }
      await file.close()
    } catch (error) {
      await unlink(path).catch(() => {})
      await file.close()
      throw error
    }
  }
  throw new EngineError('internal', `the files in "${directory}" are taken away as soon as they are made`)
}

/** Does this path still name this very file? */
export async function isAt(path: string, { dev, ino }: Stats): Promise<boolean> {
  try {
    const there = await stat(path)
    return there.dev === dev && there.ino === ino
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false
    throw error
  }
}

/**
 * `exclusive` waits, `shared` does not: false when somebody holds it exclusively. An abort ends the command, and no lock
 * is kept once the file is closed.
 */
export async function flock(file: FileHandle, mode: 'exclusive' | 'shared', signal?: AbortSignal): Promise<boolean> {
  signal?.throwIfAborted()
  const child = spawn('flock', [...(mode === 'exclusive' ? ['-x'] : ['-s', '-n']), '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] })
  using _killing = onAbort(signal, () => {
    child.kill('SIGKILL')
  })
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    signal?.throwIfAborted()
    if (code === 0) return true
    if (code === 1 && mode === 'shared') return false
    throw new EngineError('internal', `"flock" ended with ${String(code)}`)
  } catch (error) {
    if (hasErrno(error, 'ENOENT'))
      throw new EngineError('failed_precondition', '"flock" is not on PATH: install util-linux', { cause: error })
    throw error
  }
}

/**
 * Only tells when it is worth to ask for the flock: `alive` is a process of our own pid namespace that is there with the
 * start time it wrote; `unknown` is somebody whose pids say nothing here.
 */
export async function askHint(file: FileHandle): Promise<'alive' | 'dead' | 'unknown'> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0)
  const [namespace, pid, start] = buffer.toString('latin1', 0, bytesRead).trim().split(' ')
  if (start === undefined || namespace !== (await pidNamespace())) return 'unknown'
  return (await startTime(pid as string)) === start ? 'alive' : 'dead'
}
async function ownHint(): Promise<string> {
  return `${await pidNamespace()} ${process.pid} ${await startTime('self')}\n`
}
/** With the boot, since namespace numbers begin anew with it. */
async function pidNamespace(): Promise<string> {
  const [namespace, boot] = await Promise.all([readlink('/proc/self/ns/pid'), readFile('/proc/sys/kernel/random/boot_id', 'latin1')])
  return `${namespace}@${boot.trim()}`
}
/** In ticks since the boot. Undefined when the process is gone, or dead and not yet reaped. */
async function startTime(pid: string): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ') // the command before it may contain anything
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'ESRCH')) return undefined
    throw error
  }
}
