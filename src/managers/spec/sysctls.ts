// Kernel settings of a container: only those that a namespace of its own keeps from the host.
import { EngineError } from '../../errors.js'

export interface SysctlScope {
  /** The network namespace is the host's. */
  readonly hostNetwork: boolean
  readonly hostIpc: boolean
}

const IPC: ReadonlySet<string> = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
])

/** Throws `invalid_argument` naming one that would change the host. */
export function checkSysctls(sysctls: Readonly<Record<string, string>>, { hostNetwork, hostIpc }: SysctlScope): void {
  for (const name of Object.keys(sysctls)) {
    const refuse = (why: string): EngineError => new EngineError('invalid_argument', `sysctls: "${name.slice(0, 80)}" ${why}`)
    if (!/^[a-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+$/.test(name)) throw refuse('is no name of a kernel setting')
    if (name.startsWith('net.')) {
      if (hostNetwork) throw refuse('would change the host: the container has its network')
    } else if (IPC.has(name) || name.startsWith('fs.mqueue.')) {
      if (hostIpc) throw refuse('would change the host: the container has its ipc namespace')
    } else throw refuse('is a setting of the whole host')
  }
}
