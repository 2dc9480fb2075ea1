// How a runtime is started in a mount namespace of its own: what is mounted there for one run is seen by nobody else and is gone
// with it, however it ends.
import { EngineError } from '../../../errors.js'
import type { Mount } from '../../../model/common.js'
import type { RuntimeSpec } from '../../../model/process.js'
import { once } from '../../../util/once.js'
import { mountArguments } from '../../host/private-mount.js'
import { findProgram } from '../../host/programs.js'
import { writeSmall } from '../../host/small-files.js'

/** All that varies comes as arguments: the table of mounts or nothing, where to stand for it, where afterwards, then the command. */
export const launchScript = `
set -e
table=$1
cd "$2"
place=$3
shift 3
[ -z "$table" ] || mount -n -i -a -T "$table"
cd "$place"
exec "$@"
`

/** Below a process's directory. */
export const tableName = 'mounts'

export interface LaunchPlan {
  /** Absolute, as all paths here. */
  readonly program: string
  readonly args: readonly string[]
  readonly mounts: readonly PlannedMount[]
  /** The cgroup mount that the program must not see. */
  readonly hiddenCgroup?: string | undefined
  /** A file that may be written for its mounts, and stays as long as the program has not begun. */
  readonly table: string
  /** Where it is started. Default `/`. */
  readonly directory?: string | undefined
  /** It makes mounts of its own. Default: a namespace only for what is in this plan. */
  readonly mountsItself?: boolean | undefined
}
export interface PlannedMount {
  readonly mount: Mount
  readonly target: string
}
export interface Command {
  readonly file: string
  readonly args: readonly string[]
}

/** Mounts that others make later, volumes and network namespaces, are still seen; those of the plan are not passed on. */
export async function prepareLaunch(plan: LaunchPlan): Promise<Command> {
  return launchCommand(plan, await unsharePath())
}
const unsharePath: () => Promise<string | undefined> = once(() => findProgram('unshare'))

/** What is mounted in its run, by whomever, nobody else sees, and it ends with it. */
export function hasOwnMounts({ mounts, hiddenCgroup, mountsItself = false }: LaunchPlan): boolean {
  return mounts.length > 0 || hiddenCgroup !== undefined || mountsItself
}

/** `unshare` is the path of that program. */
export function launchCommand(plan: LaunchPlan, unshare: string | undefined): Command {
  const { program, args, table, directory = '/' } = plan
  const { text, place } = mountTable(plan)
  if (!hasOwnMounts(plan)) return { file: program, args }
  if (unshare === undefined) throw new EngineError('failed_precondition', '"unshare" is not on PATH')
  if (text !== '') writeSmall(table, text)
  const words = ['/bin/sh', '-c', launchScript, 'sh', text === '' ? '' : table, place, directory]
  return { file: unshare, args: ['--mount', '--propagation', 'slave', '--', ...words, program, ...args] }
}

/** What covers a mount that a runtime must not see. Not called `none`: who finds a source mounted at its target leaves it at that. */
export const hiding: Mount = { type: 'tmpfs', source: 'pouch-sdk', options: ['mode=0755', 'size=4k'] }

/** One `mount` makes all mounts of a table, as fstab(5) has it. `place`: where relative paths in it are meant from. Pure. */
export function mountTable({ mounts, hiddenCgroup }: Pick<LaunchPlan, 'mounts' | 'hiddenCgroup'>): { text: string; place: string } {
  const rows = mounts.map(({ mount, target }) => ({ words: mountArguments(mount), target }))
  const places = new Set(rows.flatMap(({ words: [place = '/'] }) => (place === '/' ? [] : [place])))
  if (places.size > 1) throw new EngineError('unsupported', 'only one mount of a root may have so many layers')
  const lines = rows.map(({ words: [, type = '', options = '', source = ''], target }) => [source, target, type, options])
  if (hiddenCgroup !== undefined) lines.push([hiding.source, hiddenCgroup, hiding.type, hiding.options.join(',')])
  return { text: lines.map((fields) => `${fields.map(escaped).join(' ')} 0 0\n`).join(''), place: [...places][0] ?? '/' }
}
function escaped(field: string): string {
  const octal = (character: string): string => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`
  return field === '' ? 'none' : field.replaceAll(/[ \t\n\r\v\f\\#]/g, octal)
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
