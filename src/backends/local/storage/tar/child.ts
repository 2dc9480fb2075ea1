// GNU tar as the one that reads what Node has no calls for. It works in a mount namespace of its own, where no symbolic link leads anywhere.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { EngineError, type ErrorCode } from '../../../../errors.js'
import type { CallOptions } from '../../../../model/common.js'
import { programEnvironment, requireProgram, toMessage } from '../../../host/programs.js'

/** A kernel or a mount command without `nosymfollow` does without. */
const script = `
set -e
place=$1 root=$2
shift 2
if [ -n "$place" ]; then
  mount -n --bind -- "$root" "$place"
  mount -n -o remount,bind,nosymfollow -- "$place" 2>/dev/null || :
  root=$place
fi
cd -- "$root"
exec "$@"
`
const mostComplaint = 4_000

/** Of an archive as `readTree` reads it. */
export const createArgs = [
  '--create',
  '--file=-',
  '--format=pax',
  '--pax-option=delete=atime,delete=ctime',
  '--numeric-owner',
  '--xattrs',
  '--xattrs-include=*',
  '--warning=no-file-ignored',
] as const
/** Of those whose names it reads. */
export const namedArgs = ['--no-recursion', '--null', '--verbatim-files-from', '--files-from=-'] as const

export interface RunTarOptions extends CallOptions {
  /** An empty directory, on which the target is mounted in the namespace. `undefined`: it is one of another namespace, mounted so already. */
  readonly place: string | undefined
  readonly root: string
}

export async function spawnTar(args: readonly string[], { place, root, signal }: RunTarOptions): Promise<ChildProcess> {
  const [unshare, tar] = await Promise.all([requireProgram('unshare'), requireProgram('tar'), requireProgram('mount')])
  if (place !== undefined) await mkdir(place, { recursive: true, mode: 0o700 })
  signal?.throwIfAborted()
  return spawn(unshare, ['--mount', '--propagation', 'private', '--', '/bin/sh', '-c', script, 'sh', place ?? '', root, tar, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    env: programEnvironment(),
  })
}

/** Resolves when it has ended well and closed its pipes. */
export async function outcome(child: ChildProcess): Promise<void> {
  let complaint = ''
  ;(child.stderr as Readable).setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < mostComplaint) complaint += text
  })
  const [code, killer] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (code !== 0) throw tarFailure(code ?? killer, toMessage(complaint))
}
/** `status` is what it exited with, or the signal that killed it. */
export function tarFailure(status: number | string | null, message: string): EngineError {
  return new EngineError(codeOf(message, typeof status !== 'number' || status > 128), `tar ended with ${String(status)}: ${message}`)
}
function codeOf(message: string, isKilled: boolean): ErrorCode {
  if (/No space left|Wrote only|quota exceeded|Too many open files|Cannot allocate memory/i.test(message)) return 'resource_exhausted'
  if (/not permitted|Permission denied/i.test(message)) return 'permission_denied'
  // What we gave it was well-formed: it is the layer's contents that cannot be made.
  return !isKilled && /tar: /.test(message) ? 'data_loss' : 'internal'
}
