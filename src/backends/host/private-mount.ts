// Mounts that nobody else sees: made in a mount namespace of their own, which lives as long as we hold a descriptor of it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError } from '../../errors.js'
import type { CallOptions, Mount } from '../../model/common.js'
import type { MountedTree } from '../../ports/engine/host.js'
import { onAbort, raceAbort } from '../../util/abort.js'
import { closeable } from '../../util/closeable.js'
import { fitOptions } from './overlay-options.js'
import { programEnvironment, requireProgram, toMessage } from './programs.js'

// All that varies comes as arguments: the place, then for each mount its directory, type, options and source.
const script = `
set -e
place=$1
shift
mount -n -t tmpfs -o mode=0700,size=64k,nr_inodes=16 pouch-sdk "$place"
mkdir "$place/tree"
while [ $# -gt 0 ]; do
  cd "$1"
  mount -n -t "$2" -o "$3" -- "$4" "$place/tree"
  shift 4
done
cd /
echo ready
read -r _ || :
`
const O_PATH = 0o10_000_000

/** `directory` is made if need be, and stays empty: the tree stands on a file system that is in the new namespace only. */
export async function mountPrivately(directory: string, mounts: readonly Mount[], { signal }: CallOptions = {}): Promise<MountedTree> {
  signal?.throwIfAborted()
  const plan = mounts.flatMap(mountArguments)
  const unshare = await requireProgram('unshare')
  await requireProgram('mount')
  await mkdir(directory, { recursive: true, mode: 0o700 })
  // Links in it would be looked up in our namespace.
  const place = await realpath(directory)
  signal?.throwIfAborted()

  const args = ['--mount', '--propagation', 'private', '--', '/bin/sh', '-c', script, 'sh', place, ...plan]
  const child = spawn(unshare, args, { stdio: ['pipe', 'pipe', 'pipe'], cwd: '/', env: programEnvironment() })
  using _killing = onAbort(signal, () => {
    child.kill('SIGKILL')
  })
  try {
    await raceAbort(ready(child), signal)
    return await hold(`/proc/${child.pid}`, join(place, 'tree'))
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    // What we hold keeps the namespace now; nothing else may. Not waited for where a mount hangs in the kernel.
    child.stdin?.end()
    child.kill('SIGKILL')
    child.unref()
  }
}

/** Four words for a script: the directory to stand in, then what the mount command takes as type, options and source. */
export function mountArguments(mount: Mount): string[] {
  const { type, source, options, workingDirectory } = fitOptions(mount)
  if (type === '' || [type, source, ...options].some((text) => text.includes('\0'))) {
    throw new EngineError('invalid_argument', `a mount of type "${type}" from "${source}" cannot be made`)
  }
  // What binds has no type of its own; without the option the kernel would look for one.
  const bind = type === 'bind' || type === 'rbind'
  const all = bind && !options.some((option) => option === 'bind' || option === 'rbind') ? [type, ...options] : options
  return [workingDirectory, bind ? 'none' : type, all.length === 0 ? 'rw' : all.join(','), source]
}

async function ready(child: ChildProcess): Promise<void> {
  let complaint = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text
  })
  child.stdin?.on('error', () => {})
  const told = once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data').then(() => true)
  const ended = once(child, 'close').then(() => false)
  told.catch(() => {})
  if (await Promise.race([told, ended])) return
  const message = toMessage(complaint)
  const code = /unshare.*(not permitted|denied)/i.test(message) ? 'permission_denied' : 'internal'
  throw new EngineError(code, `mounting privately failed: ${message === '' ? 'the helper was ended' : message}`)
}

/** `proc` is the directory of a process in the namespace. */
async function hold(proc: string, path: string): Promise<MountedTree> {
  const held: FileHandle[] = []
  const close = async (): Promise<void> => {
    for (const handle of held.reverse()) await handle.close().catch(() => {})
  }
  try {
    // Keeps the mounts below the tree where they are; the directory alone would not.
    held.push(await open(`${proc}/ns/mnt`, constants.O_RDONLY))
    const tree = await open(`${proc}/root${path}`, O_PATH | constants.O_DIRECTORY)
    held.push(tree)
    // Not `self`: programs that we run find it, too.
    return { root: `/proc/${process.pid}/fd/${tree.fd}`, ...closeable(close) }
  } catch (error) {
    await close()
    throw error
  }
}
