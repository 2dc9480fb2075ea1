// HostFiles on this process's own file system.
import { type Stats, statSync } from 'node:fs'
import { mkdir, open, readdir, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { HostFiles, HostPath } from '../../ports/engine/host-files.js'
import { readSmall } from './small-files.js'

const textLimit = 1 << 20
/** Read at once: every container asks for /etc/resolv.conf. */
const smallText = 64 << 10
const deviceDepth = 4

export class LinuxHostFiles implements HostFiles {
  async inspect(path: string, options: CallOptions = {}): Promise<HostPath | undefined> {
    options.signal?.throwIfAborted()
    if (!isAbsolute(path)) throw new EngineError('invalid_argument', `path "${path}" is not absolute`)
    const stats = await orAbsent(stat(path))
    return stats === undefined ? undefined : toHostPath(stats)
  }

  async devices(directory: string, options: CallOptions = {}): Promise<readonly string[]> {
    return devicesBelow(directory, deviceDepth, options)
  }

  async readText(path: string, options: CallOptions = {}): Promise<string | undefined> {
    options.signal?.throwIfAborted()
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats?.isFile() === true && stats.size > 0 && stats.size <= smallText) return readSmall(path)
    const file = await orAbsent(open(path, 'r'))
    if (file === undefined) return undefined
    try {
      const buffer = Buffer.allocUnsafe(textLimit)
      let length = 0
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, textLimit - length, null)
        length += bytesRead
        if (bytesRead === 0 || length === textLimit) return buffer.toString('utf8', 0, length)
      }
    } finally {
      await file.close()
    }
  }

  async makeDirectory(path: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    await mkdir(path, { recursive: true, mode: 0o755 })
  }
}

async function devicesBelow(directory: string, depth: number, options: CallOptions): Promise<string[]> {
  options.signal?.throwIfAborted()
  const entries = (await orAbsent(readdir(directory, { withFileTypes: true }))) ?? []
  const found: string[] = []
  for (const entry of entries) {
    const path = join(directory, entry.name)
    if (entry.isBlockDevice() || entry.isCharacterDevice()) found.push(path)
    else if (entry.isDirectory() && depth > 0) found.push(...(await devicesBelow(path, depth - 1, options)))
  }
  return found
}

function toHostPath(stats: Stats): HostPath {
  const { mode, uid, gid, rdev } = stats
  const common = { mode: mode & 0o7777, uid, gid }
  if (stats.isBlockDevice()) return { type: 'block', ...deviceNumber(rdev), ...common }
  if (stats.isCharacterDevice()) return { type: 'character', ...deviceNumber(rdev), ...common }
  if (stats.isDirectory()) return { type: 'directory', ...common }
  return { type: stats.isFile() ? 'file' : 'other', ...common }
}

/** As glibc's `gnu_dev_major` and `gnu_dev_minor` split it. */
export function deviceNumber(device: number): { readonly major: number; readonly minor: number } {
  const bits = BigInt(device)
  return {
    major: Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n)),
    minor: Number((bits & 0xffn) | ((bits >> 12n) & 0xffffff00n)),
  }
}

async function orAbsent<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw error
  }
}
