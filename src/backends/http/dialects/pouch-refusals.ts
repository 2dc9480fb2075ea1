// What pouchd takes and does nothing with, or something else, and what it would tell only at the start: refused before anything is made.
import { EngineError } from '../../../errors.js'
import type { ContainerSpec } from '../../../model/container-spec.js'
import type { ContainerChange } from '../../../model/container.js'
import type { DaemonFacts } from '../dialect.js'

type Found = readonly [asked: boolean, field: string, why: string]

/** Throws `unsupported`, or `invalid_argument` for what is wrong on every pouchd, naming the field. */
export function refusePouchSpec(spec: ContainerSpec, { info }: Pick<DaemonFacts, 'info'>): void {
  const { rich, security = {}, mounts = [] } = spec
  if (rich?.mode === 'systemd' && security.privileged !== true)
    throw new EngineError('invalid_argument', 'rich.mode: "systemd" needs "security.privileged"')
  // A relative source would be a volume's name.
  const [relative] = [
    ...mounts.flatMap((mount) => (mount.type === 'bind' ? [mount.source] : [])),
    ...mounts.map(({ target }) => target),
  ].filter((path) => !path.startsWith('/'))
  if (relative !== undefined) throw new EngineError('invalid_argument', `mounts: "${relative}" is not an absolute path`)
  if (spec.name?.length === 1) throw new EngineError('invalid_argument', `name: "${spec.name}" is too short: pouchd wants two characters`)
  const told = Array.isArray(info['SecurityOptions']) ? (info['SecurityOptions'] as readonly unknown[]) : []
  const has = (name: string): boolean => told.some((option) => typeof option === 'string' && option.includes(name))
  const paths = [...mounts.flatMap((mount) => ('source' in mount ? [mount.source] : [])), ...mounts.map(({ target }) => target)]
  refuseFirst([
    [
      (spec.stopSignal ?? 'SIGTERM') !== 'SIGTERM' && (spec.restart?.policy ?? 'no') !== 'no',
      'stopSignal',
      'stops what has a restart policy by SIGTERM',
    ],
    [rich?.mode === 'tini', 'rich.mode', 'has no "tini"'],
    [Object.keys(spec.diskQuota ?? {}).some((path) => path.includes('&')), 'diskQuota', 'means several paths by "&" in one'],
    [Object.keys(spec.annotations ?? {}).some((key) => key.startsWith('__')), 'annotations', 'keeps names that begin with "__" for itself'],
    [(spec.groups ?? []).some((group) => !/^\d+$/.test(group)), 'groups', 'finds no groups by their names; numbers are taken'],
    [typeof security.seccomp === 'object' && !has('seccomp'), 'security.seccomp', 'was built without seccomp'],
    [security.apparmor !== undefined && security.apparmor !== 'unconfined' && !has('apparmor'), 'security.apparmor', 'has no AppArmor'],
    [security.maskedPaths?.length === 0, 'security.maskedPaths', 'takes an empty list for its own'],
    [security.readOnlyPaths?.length === 0, 'security.readOnlyPaths', 'takes an empty list for its own'],
    [paths.some((path) => path.includes(':')), 'mounts', 'splits paths at each colon'],
  ])
}

export function refusePouchChange({ resources = {}, diskQuota, labels = {} }: ContainerChange): void {
  refuseFirst([
    [resources.pids !== undefined, 'resources.pids', 'does not change it once a container is made'],
    [
      diskQuota !== undefined && Object.keys(resources).length > 0,
      'diskQuota',
      'does not take it back when the "resources" that came with it are refused: change one after the other',
    ],
    [Object.values(labels).includes(''), 'labels', 'takes a label away when its new value is empty'],
    [Object.keys(labels).some((key) => key.includes('=')), 'labels', 'ends the name of a label at the first "="'],
  ])
}

function refuseFirst(list: readonly Found[]): void {
  const found = list.find(([asked]) => asked)
  if (found !== undefined) throw new EngineError('unsupported', `${found[1]}: pouchd ${found[2]}`)
}
