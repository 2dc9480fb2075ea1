// Options of an overlay mount that fit into the one page that the kernel takes. Pure.
import { EngineError } from '../../errors.js'
import type { Mount } from '../../model/common.js'

/** A page less one, less what the mount command may add. */
const mostBytes = 4_096 - 1 - 32
const directories = ['lowerdir=', 'upperdir=', 'workdir=']

export interface PlacedMount extends Mount {
  /** Relative paths in `options` are meant from here. */
  readonly workingDirectory: string
}

/** As it is, or with paths from the directory that all layers have in common: a hundred of them repeat it a hundred times. */
export function fitOptions(mount: Mount): PlacedMount {
  const asIs = { ...mount, workingDirectory: '/' }
  if (sizeOf(mount.options) <= mostBytes) return asIs
  const fitted = mount.type === 'overlay' ? relative(mount) : asIs
  if (sizeOf(fitted.options) <= mostBytes) return fitted
  throw new EngineError(
    'unsupported',
    `the options of a mount of type "${mount.type}" take ${sizeOf(fitted.options)} bytes: the kernel takes ${mostBytes}`,
  )
}

function sizeOf(options: readonly string[]): number {
  return Buffer.byteLength(options.join(','))
}
function relative(mount: Mount): PlacedMount {
  const common = commonDirectory(mount.options.flatMap((option) => (option.startsWith('lowerdir=') ? (pathsOf(option) ?? []) : [])))
  const shorten = (path: string): string => (path.startsWith(common) ? path.slice(common.length) : path)
  const options = mount.options.map((option) => {
    const found = pathsOf(option)
    return found === undefined ? option : option.slice(0, option.indexOf('=') + 1) + found.map(shorten).join(':')
  })
  return { ...mount, options, workingDirectory: common }
}
/** A colon in a path is escaped by a backslash. */
function pathsOf(option: string): string[] | undefined {
  const prefix = directories.find((name) => option.startsWith(name))
  return prefix === undefined ? undefined : option.slice(prefix.length).split(/(?<!\\):/)
}
/** With a slash at its end. Unescaped it must be a directory's name, so one with a backslash does not count. */
function commonDirectory(paths: readonly string[]): string {
  let common = paths[0] ?? '/'
  for (const path of paths) while (!path.startsWith(common)) common = common.slice(0, -1)
  const end = common.search(/\\|$/)
  return common.slice(0, common.lastIndexOf('/', end) + 1) || '/'
}
