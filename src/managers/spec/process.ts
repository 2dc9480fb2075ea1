// Who a process of a container is and what it may do: the same for its init and for everything executed in it later.
import type { ContainerSpec } from '../../model/container-spec.js'
import { EngineError } from '../../errors.js'
import type { OciProcess } from '../../oci/runtime-spec.js'
import type { HostFacts } from '../../ports/engine/host.js'
import { hostnameText } from '../etc-files.js'
import { grantedCapabilities, toCapabilitySets } from './capabilities.js'
import { toArguments, toEnvironment, toWorkingDir } from './environment.js'
import type { ExecInput, ProcessInput } from './input.js'
import { toRlimits } from './rlimits.js'

export function toProcess(input: ProcessInput): OciProcess {
  const { id, spec, user, host, defaultRlimits = {} } = input
  const { security = {}, tty = false } = spec
  const rlimits = toRlimits(spec.resources?.ulimits ?? {}, defaultRlimits, host)
  const apparmor = apparmorProfile(security.apparmor, host)
  return {
    terminal: tty,
    user: { uid: user.uid, gid: user.gid, additionalGids: user.additionalGids },
    args: toArguments(spec.entrypoint, spec.command),
    env: toEnvironment({ hostname: hostnameText(spec, id), tty, home: user.home, env: spec.env ?? {} }),
    cwd: toWorkingDir(spec.workingDir),
    capabilities: toCapabilitySets(grantedCapabilities(security, host)),
    ...(rlimits.length > 0 ? { rlimits } : {}),
    noNewPrivileges: security.noNewPrivileges ?? false,
    ...(apparmor === undefined ? {} : { apparmorProfile: apparmor }),
    ...(security.selinuxLabel === undefined ? {} : { selinuxLabel: security.selinuxLabel }),
    // Daemons guard themselves from the OOM killer, and a container would inherit that. Lowering the score needs the capability.
    ...(host.capabilities.includes('CAP_SYS_RESOURCE') ? { oomScoreAdj: 0 } : {}),
  }
}

export function toExecProcess(input: ExecInput): OciProcess {
  const { exec, spec } = input
  if (exec.command.length === 0) throw new EngineError('invalid_argument', 'command: there is nothing to execute')
  const settings: ContainerSpec = {
    ...spec,
    entrypoint: [],
    command: exec.command,
    tty: exec.tty ?? false,
    env: { ...spec.env, ...exec.env },
    workingDir: exec.workingDir ?? spec.workingDir,
    security: exec.privileged === true ? { ...spec.security, privileged: true, capAdd: [], capDrop: [] } : spec.security,
  }
  return toProcess({ ...input, spec: settings })
}

function apparmorProfile(profile: string | undefined, host: HostFacts): string | undefined {
  if (profile === undefined || host.apparmor) return profile
  if (profile === 'unconfined') return undefined
  throw new EngineError('unsupported', `security.apparmor: this machine's kernel has no AppArmor for the profile "${profile}"`)
}
