// How a runtime is started in a mount namespace of its own: what is mounted there for one run is seen by nobody else and is gone
// with it, however it ends. Pure.
import type { Mount } from '../../../model/common.js'
import type { RuntimeSpec } from '../../../model/process.js'
import { mountArguments } from '../../host/private-mount.js'

/** All that varies comes as arguments: what to hide, where to stand, how many mounts, five words for each, then the command. */
export const launchScript = `
set -e
hidden=$1
place=$2
count=$3
shift 3
while [ "$count" -gt 0 ]; do
  cd "$1"
  mount -n -i -t "$2" -o "$3" -- "$4" "$5"
  shift 5
  count=$((count - 1))
done
cd "$place"
[ -z "$hidden" ] || mount -n -i -t tmpfs -o mode=0755,size=4k none "$hidden"
exec "$@"
`

export interface LaunchPlan {
  /** Absolute, as all paths here. */
  readonly program: string
  readonly args: readonly string[]
  readonly mounts: readonly { readonly mount: Mount; readonly target: string }[]
  /** The cgroup mount that the program must not see. */
  readonly hiddenCgroup?: string | undefined
  /** Where it is started. Default `/`. */
  readonly directory?: string | undefined
  /** It makes mounts of its own. Default: a namespace only for what is in this plan. */
  readonly mountsItself?: boolean | undefined
}
export interface Command {
  readonly file: string
  readonly args: readonly string[]
}
/** Mounts that others make later, volumes and network namespaces, are still seen; these here are not passed on. */
export function launchCommand(unshare: string, plan: LaunchPlan): Command {
  const { program, args, mounts, hiddenCgroup = '', directory = '/', mountsItself = false } = plan
  if (mounts.length === 0 && hiddenCgroup === '' && !mountsItself) return { file: program, args }
  const words = mounts.flatMap(({ mount, target }) => [...mountArguments(mount), target])
  const script = ['/bin/sh', '-c', launchScript, 'sh', hiddenCgroup, directory, String(mounts.length)]
  return { file: unshare, args: ['--mount', '--propagation', 'slave', '--', ...script, ...words, program, ...args] }
}

/** Does anything in there ask to pass mounts on to us? Then no namespace may be in between. */
export function sharesMounts(spec: RuntimeSpec): boolean {
  const { mounts = [], linux = {} } = spec as {
    readonly mounts?: readonly { readonly options?: readonly string[] }[]
    readonly linux?: { readonly rootfsPropagation?: unknown }
  }
  const isShared = (word: unknown): boolean => word === 'shared' || word === 'rshared'
  return isShared(linux.rootfsPropagation) || mounts.some(({ options = [] }) => options.some(isShared))
}
