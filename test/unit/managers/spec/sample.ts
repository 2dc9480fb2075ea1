// A host, a user and a container for the tests of specs.
import type { ContainerSettings } from '../../../../src/model/container-spec.js'
import type { OciSpec } from '../../../../src/oci/runtime-spec.js'
import type { HostFacts } from '../../../../src/ports/engine/host.js'
import { buildSpec } from '../../../../src/managers/spec.js'
import { CAPABILITIES } from '../../../../src/oci/capabilities.js'
import type { SpecInput } from '../../../../src/managers/spec/input.js'

export const host: HostFacts = {
  kernel: '6.1.0-18-amd64',
  architecture: 'x64',
  cgroups: 'v2',
  bootId: 'b',
  privileged: true,
  rootFilesystem: 'ext4',
  capabilities: CAPABILITIES,
  hardLimits: { nofile: 20_000 },
  seccomp: true,
  apparmor: false,
  initPath: '/usr/bin/tini-static',
}
export const id: string = 'ab'.repeat(32)

export function input(spec: ContainerSettings = {}, more: Partial<SpecInput> = {}): SpecInput {
  return {
    id,
    spec: { image: 'busybox', command: ['true'], ...spec },
    user: { uid: 0, gid: 0, additionalGids: [0], home: '/root' },
    host,
    etc: { hosts: '/c/hosts', hostname: '/c/hostname', resolvConf: '/c/resolv.conf' },
    inside: [],
    netns: { kind: 'none' },
    devices: [],
    ...more,
  }
}
export function build(spec?: ContainerSettings, more?: Partial<SpecInput>): OciSpec {
  return buildSpec(input(spec, more)) as unknown as OciSpec
}
export function without(...names: readonly string[]): HostFacts {
  return { ...host, capabilities: CAPABILITIES.filter((name) => !names.includes(name)) }
}
