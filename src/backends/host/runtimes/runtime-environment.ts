// What every call of a runtime has in its environment.
import type { Labels } from '../../../model/common.js'
import { once } from '../../../util/once.js'
import { readSmall } from '../small-files.js'

// crun runs from a copy of its own program, so that no container can write to it. Where it may it binds that read-only to a file in the
// directory of this name, for a moment: killed in that moment it leaves the file, and the mount, to nobody. Where it may not it takes a
// copy in memory, which goes with it, and half a millisecond. (runc names a directory itself, of the container's state.)
const name = '_LIBCONTAINER_STATEDIR'
const nowhere = '/dev/null'

export const runtimeEnvironment: () => Labels = once(() => (runsFromMemory() ? { [name]: nowhere } : {}))

/** Of a call whose mounts go with it: then the file may be in a directory that is removed with what it runs. */
export function environmentWithin(directory: string, env: Labels): Labels {
  return (env[name] ?? nowhere) === nowhere ? { ...env, [name]: directory } : env
}

/** Linux 6.3 and later can be told not to. */
function runsFromMemory(): boolean {
  return Number(readSmall('/proc/sys/vm/memfd_noexec') ?? 0) === 0
}
