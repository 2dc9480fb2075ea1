// Bytes in and out of a rooted tree.
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readFile, rename, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { EngineError } from '../errors.js'
import type { CallOptions } from '../model/common.js'
import { fsError, hasErrno } from './fs-error.js'
import { descriptorPath, type Entry, entryPath, openEntry, type Place } from './rooted-walk.js'

const chunkBytes = 64 * 1024
const createOnly = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** The very file that was looked at, opened through its descriptor: nothing can have come in its place. */
export async function* readRegular({ handle, stats }: Place, path: string, options: CallOptions = {}): AsyncGenerator<Uint8Array> {
  if (!stats.isFile()) throw new EngineError('failed_precondition', `"${path}" is not a file`)
  try {
    const file = await open(descriptorPath(handle), constants.O_RDONLY)
    try {
      for (;;) {
        options.signal?.throwIfAborted()
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(chunkBytes), 0, chunkBytes)
        if (bytesRead === 0) return
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw fsError(error, `"${path}"`)
  }
}

/** Errors of `bytes` pass unchanged. */
export async function writeReplacing(
  entry: Entry,
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  mode: number,
  options: CallOptions = {},
): Promise<void> {
  const { directory, name } = entry
  const temporary = entryPath(directory, `.pouch-sdk-${randomBytes(8).toString('hex')}`)
  const onDisk = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw fsError(error, `"${path}"`)
    })
  await refuseUnreplaceable(entry, path)
  const file = await onDisk(open(temporary, createOnly, 0o600))
  try {
    try {
      for await (const chunk of bytes) {
        options.signal?.throwIfAborted()
        await onDisk(file.writeFile(chunk))
      }
      await onDisk(file.chmod(mode))
    } finally {
      await onDisk(file.close())
    }
    options.signal?.throwIfAborted()
    await refuseUnreplaceable(entry, path)
    await onDisk(rename(temporary, entryPath(directory, name)))
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
}

/** The kernel refuses to rename over a mount of our own namespace only; from another one it would take the mount down. */
async function refuseUnreplaceable({ directory, name }: Entry, path: string): Promise<void> {
  let there: Place
  try {
    there = await openEntry(directory, name)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return
    throw fsError(error, `"${path}"`)
  }
  await using _there = there
  if (there.stats.isDirectory()) throw new EngineError('failed_precondition', `"${path}" is a directory`)
  if ((await mountId(there.handle)) !== (await mountId(directory)))
    throw new EngineError('failed_precondition', `something is mounted on "${path}"`)
}

/** Which mount a descriptor is on. Two mounts of one file system have the same device, not the same id. */
export async function mountId({ fd }: FileHandle): Promise<string> {
  const [, id] = /^mnt_id:\s*(\d+)$/m.exec(await readFile(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? []
  if (id === undefined) throw new EngineError('unsupported', 'the kernel does not tell mount ids in "/proc/self/fdinfo"')
  return id
}
