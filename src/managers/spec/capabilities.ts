// Which capabilities a container gets, from its spec and from what this machine can give.
import { EngineError } from '../../errors.js'
import { CAPABILITIES } from '../../oci/capabilities.js'
import type { SecuritySpec } from '../../model/container-spec.js'
import type { HostFacts } from '../../ports/engine/host.js'
import type { OciCapabilities } from '../../oci/runtime-spec.js'

/** What root in a container has unless it asks: Docker's fourteen. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'NET_RAW',
  'SYS_CHROOT',
  'MKNOD',
  'AUDIT_WRITE',
  'SETFCAP',
].map((name) => `CAP_${name}`)

/**
 * In the kernel's order. Of the defaults, of `ALL` and of a privileged container's, what this machine cannot give is left
 * out; one that was asked for by name is `failed_precondition`. `capDrop` also holds for privileged containers.
 */
export function grantedCapabilities(security: SecuritySpec, host: Pick<HostFacts, 'capabilities'>): readonly string[] {
  const given = new Set(host.capabilities)
  const add = parseList(security.capAdd, 'security.capAdd')
  const drop = parseList(security.capDrop, 'security.capDrop')
  const missing = [...add.names].find((name) => !given.has(name))
  if (missing !== undefined) {
    throw new EngineError('failed_precondition', `security.capAdd: "${missing}" cannot be given, this engine's own process lacks it`)
  }
  const all = security.privileged === true || add.all
  // With `ALL` dropped, only what is added by name remains; with `ALL` added, only what is dropped by name goes.
  const base = all ? CAPABILITIES : drop.all ? [] : DEFAULT_CAPABILITIES
  const granted = new Set([...base.filter((name) => !drop.names.has(name)), ...(all ? [] : add.names)])
  return CAPABILITIES.filter((name) => granted.has(name) && given.has(name))
}

/** The sets of a process. Inheritable ones stay empty (CVE-2022-24769); for another user than root the kernel empties the rest at exec. */
export function toCapabilitySets(granted: readonly string[]): OciCapabilities {
  return { bounding: granted, effective: granted, permitted: granted, inheritable: [], ambient: [] }
}

function parseList(list: readonly string[] = [], field: string): { readonly all: boolean; readonly names: ReadonlySet<string> } {
  const names = list.map((text) => text.toUpperCase())
  const known = names
    .filter((name) => name !== 'ALL')
    .map((name) => {
      const full = name.startsWith('CAP_') ? name : `CAP_${name}`
      if (!CAPABILITIES.includes(full)) throw new EngineError('invalid_argument', `${field}: no capability "${name.slice(0, 40)}"`)
      return full
    })
  return { all: names.includes('ALL'), names: new Set(known) }
}
