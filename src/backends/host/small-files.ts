// Small files of ours, each read or written in one go. Synchronous on purpose: a trip through the thread pool costs several times
// the CPU of the system call itself, and one run of a container makes hundreds of them. Never for what is large, is synced to the
// disk, may block (a FIFO, a socket), or lies in a container's root.
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasErrno } from '../../util/fs-error.js'

/** Freeing the blocks of a larger file takes the kernel long: that is for a thread. */
const smallBytes = 1 << 20

// What is mostly not there is asked for first: an error that is thrown and caught costs several system calls.
/** `undefined`: not there. */
export function readSmall(path: string): string | undefined {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return undefined
  return unlessAbsent(() => readFileSync(path, 'utf8'))
}
/** Mode 0600. Makes the directories above it, for us alone, when they are missing. `flag` as `open` takes it; default `w`. */
export function writeSmall(path: string, text: string, flag: 'w' | 'wx' | 'a' = 'w'): void {
  const options = { mode: 0o600, flag } as const
  try {
    writeFileSync(path, text, options)
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, text, options)
  }
}
/** False: it was not there. */
export function removeSmall(path: string): boolean {
  const removed = unlessAbsent(() => {
    unlinkSync(path)
    return true
  })
  return removed ?? false
}
/** The same of what is mostly not there. */
export function removeRare(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined && removeSmall(path)
}
/** With all below it, links as such. Absent is success, also of parts that somebody else takes away meanwhile. */
export async function removeTree(path: string): Promise<void> {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return
  if (!stats.isDirectory()) {
    if (stats.size <= smallBytes) removeSmall(path)
    else await unlink(path).catch(ignoreAbsent)
    return
  }
  for (const name of unlessAbsent(() => readdirSync(path)) ?? []) await removeTree(join(path, name))
  unlessAbsent(() => rmdirSync(path))
}

function unlessAbsent<T>(call: () => T): T | undefined {
  try {
    return call()
  } catch (error) {
    ignoreAbsent(error)
    return undefined
  }
}
function ignoreAbsent(error: unknown): void {
  if (!hasErrno(error, 'ENOENT')) throw error
}
