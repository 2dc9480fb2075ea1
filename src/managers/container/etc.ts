// Writes the files that are bound over a container's /etc.
import type { CallOptions } from '../../model/common.js'
import type { ContainerDirectories } from '../../ports/engine/directories.js'
import type { HostFiles } from '../../ports/engine/host-files.js'
import { hostnameText, hostsText, resolvConfText } from '../etc-files.js'
import type { SpecInput } from '../spec/input.js'
import type { ContainerRecord } from './record.js'

export interface EtcDeps {
  readonly hostFiles: Pick<HostFiles, 'readText'>
  readonly directories: Pick<ContainerDirectories, 'write'>
}

/** Where systemd-resolved tells the real name servers: its own is on the host's loopback, which a container does not reach. */
const resolvedConf = '/run/systemd/resolve/resolv.conf'

export async function writeEtcFiles(
  { hostFiles, directories }: EtcDeps,
  { id, spec }: ContainerRecord,
  options: CallOptions,
): Promise<SpecInput['etc']> {
  const hostNetwork = spec.networkMode === 'host'
  const hostname = hostnameText(spec, id)
  const [hosts, resolvConf] = await Promise.all([
    hostNetwork ? hostFiles.readText('/etc/hosts', options) : undefined,
    hostResolvConf(hostFiles, hostNetwork, options),
  ])
  const [hostsPath, hostnamePath, resolvConfPath] = await Promise.all([
    directories.write(id, 'etc/hosts', hostsText({ spec, hostname, hostText: hosts }), options),
    directories.write(id, 'etc/hostname', `${hostname}\n`, options),
    directories.write(id, 'etc/resolv.conf', resolvConfText({ spec, hostText: resolvConf, hostNetwork }), options),
  ])
  return { hosts: hostsPath, hostname: hostnamePath, resolvConf: resolvConfPath }
}

async function hostResolvConf(files: EtcDeps['hostFiles'], hostNetwork: boolean, options: CallOptions): Promise<string | undefined> {
  const text = await files.readText('/etc/resolv.conf', options)
  const behindResolved = !hostNetwork && text !== undefined && /^\s*nameserver\s+127\.0\.0\.53\b/m.test(text)
  return behindResolved ? ((await files.readText(resolvedConf, options)) ?? text) : text
}
