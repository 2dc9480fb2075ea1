// Which namespaces are a container's own.
import type { ContainerSettings } from '../../model/container-spec.js'
import type { OciNamespace } from '../../oci/runtime-spec.js'
import type { HostFacts } from '../../ports/engine/host.js'
import type { Netns } from './input.js'

/** Host modes leave a namespace out. With a cgroup v1 the cgroup namespace is the host's, as Docker has it. */
export function toNamespaces(
  spec: Pick<ContainerSettings, 'pidMode' | 'ipcMode'>,
  netns: Netns,
  cgroups: HostFacts['cgroups'],
): readonly OciNamespace[] {
  const list: (OciNamespace | undefined)[] = [
    { type: 'mount' },
    { type: 'uts' },
    spec.pidMode === 'host' ? undefined : { type: 'pid' },
    spec.ipcMode === 'host' ? undefined : { type: 'ipc' },
    netns.kind === 'host' ? undefined : netns.kind === 'path' ? { type: 'network', path: netns.path } : { type: 'network' },
    cgroups === 'v2' ? { type: 'cgroup' } : undefined,
  ]
  return list.filter((namespace) => namespace !== undefined)
}
