// Gathers what an OCI spec is built from: accounts, files for /etc, device numbers, facts of the host.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ContainerSpec } from '../../model/container-spec.js'
import type { ExecSpec } from '../../model/exec.js'
import type { RuntimeProcess, RuntimeResources, RuntimeSpec } from '../../model/process.js'
import type { Capability } from '../../ports/backend/backend.js'
import type { ContainerDirectories } from '../../ports/engine/directories.js'
import type { Host } from '../../ports/engine/host.js'
import type { HostFiles } from '../../ports/engine/host-files.js'
import type { PreparedRoot, RootService } from '../../ports/engine/roots.js'
import { resolveUser } from '../accounts.js'
import { buildExecProcess, buildResources, buildSpec } from '../spec.js'
import type { EtcPaths, SpecInput } from '../spec/input.js'
import { refuseUnsupported } from '../spec/unsupported.js'
import type { AccountFiles, AccountTexts } from '../users.js'
import { resolveBlockDevices, resolveDevices } from './devices.js'
import { writeEtcFiles } from './etc.js'
import type { ContainerRecord } from './record.js'

export interface SpecSourceDeps {
  readonly backend: string
  readonly host: Pick<Host, 'facts'>
  readonly hostFiles: HostFiles
  readonly directories: ContainerDirectories
  readonly roots: Pick<RootService, 'open'>
  readonly accounts: AccountFiles
  supports(capability: Capability): boolean
}
/** Stands for what is known only when the container starts. */
const placeholder = {
  etc: { hosts: '/hosts', hostname: '/hostname', resolvConf: '/resolv.conf' },
  user: { uid: 0, gid: 0, additionalGids: [], home: '/' },
} as const

export class SpecSource {
  readonly #deps: SpecSourceDeps
  constructor(deps: SpecSourceDeps) {
    this.#deps = deps
  }

  /** Refuses at `create` all that can be refused without the root. Makes nothing. */
  async check(record: ContainerRecord, options: CallOptions = {}): Promise<void> {
    const { spec } = record
    refuseUnsupported(spec, (capability) => this.#deps.supports(capability), this.#deps.backend)
    for (const mount of spec.mounts ?? []) {
      if (mount.type !== 'bind' || mount.createSource === true) continue
      if ((await this.#deps.hostFiles.inspect(mount.source, options)) === undefined) {
        throw new EngineError('invalid_argument', `mounts: bind source "${mount.source}" is not there`)
      }
    }
    await checkNetns(this.#deps.hostFiles, spec, options)
    buildSpec({ ...(await this.#input(record, options)), ...placeholder })
  }

  async writeFiles(record: ContainerRecord, options: CallOptions = {}): Promise<EtcPaths> {
    for (const mount of record.spec.mounts ?? []) {
      if (mount.type === 'bind' && mount.createSource === true) await this.#deps.hostFiles.makeDirectory(mount.source, options)
    }
    return writeEtcFiles(this.#deps, record, options)
  }

  async containerSpec(record: ContainerRecord, root: PreparedRoot, etc: EtcPaths, options: CallOptions = {}): Promise<RuntimeSpec> {
    const texts = await this.#deps.accounts.ofStopped(record, root.mounts, options)
    return buildSpec({ ...(await this.#input(record, options)), user: userOf(record.spec, texts), etc, inside: root.inside })
  }

  /** For a container that runs: accounts are looked up in its root as it is now. */
  async execProcess(record: ContainerRecord, exec: ExecSpec, options: CallOptions = {}): Promise<RuntimeProcess> {
    const { host, roots, accounts } = this.#deps
    await using tree = await roots.open(record.id, { readOnly: true, signal: options.signal })
    const texts = await accounts.ofTree(tree.root, options)
    const user = userOf({ ...record.spec, user: exec.user ?? record.spec.user }, texts)
    return buildExecProcess({ id: record.id, spec: record.spec, exec, user, host: await host.facts(options) })
  }

  async resources(spec: ContainerSpec, options: CallOptions = {}): Promise<RuntimeResources> {
    return buildResources(spec, await resolveBlockDevices(this.#deps.hostFiles, spec, options))
  }

  async #input(record: ContainerRecord, options: CallOptions): Promise<Omit<SpecInput, 'user' | 'etc'>> {
    const { id, spec } = record
    const { host, hostFiles } = this.#deps
    const facts = await host.facts(options)
    return {
      id,
      spec,
      host: facts,
      inside: [],
      netns: toNetns(spec),
      devices: await resolveDevices(hostFiles, spec, options),
      blockDevices: await resolveBlockDevices(hostFiles, spec, options),
      fileSources: await findFileSources(hostFiles, spec, options),
    }
  }
}

function toNetns({ networkMode }: ContainerSpec): SpecInput['netns'] {
  if (networkMode === 'host') return { kind: 'host' }
  return typeof networkMode === 'object' && 'netns' in networkMode ? { kind: 'path', path: networkMode.netns } : { kind: 'none' }
}

/** A runtime would tell of it only at the start, and in its own words. */
async function checkNetns(files: HostFiles, { networkMode }: ContainerSpec, options: CallOptions): Promise<void> {
  if (typeof networkMode !== 'object' || !('netns' in networkMode)) return
  if ((await files.inspect(networkMode.netns, options)) === undefined) {
    throw new EngineError('invalid_argument', `networkMode: network namespace "${networkMode.netns}" is not there`)
  }
}

async function findFileSources(files: HostFiles, { mounts = [] }: ContainerSpec, options: CallOptions): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const mount of mounts) {
    if (mount.type !== 'bind') continue
    const path = await files.inspect(mount.source, options)
    if (path !== undefined && path.type !== 'directory') found.add(mount.source)
  }
  return found
}
function userOf({ user, groups }: ContainerSpec, { passwd, group }: AccountTexts): ReturnType<typeof resolveUser> {
  return resolveUser({ user, groups, passwd, group })
}
