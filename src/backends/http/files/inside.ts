// Where a path leads inside of a container, for a daemon that would follow its links on the host.
import { EngineError } from '../../../errors.js'
import type { FileStat } from '../../../model/container.js'

export interface Look {
  /** Of the path itself, whose parents are no links. */
  typeOf(path: string): Promise<FileStat['type']>
  /** The text of a link. */
  linkOf(path: string): Promise<string>
}
/** Of Linux, for one path. */
const mostLinks = 40

/**
 * The path without links, but for its last step where that is not followed. It may be changed by what runs in the container before it is
 * used: then the daemon follows what it finds.
 */
export async function pathInside(look: Look, path: string, { followLast }: { readonly followLast: boolean }): Promise<string> {
  let steps = stepsOf(path)
  let place: readonly string[] = []
  let links = 0
  for (let [step] = steps; step !== undefined; [step] = steps) {
    steps = steps.slice(1)
    if (step === '..') {
      place = place.slice(0, -1)
      continue
    }
    const here = `/${[...place, step].join('/')}`
    const followed = steps.length > 0 || followLast || path.endsWith('/')
    if (!followed || (await look.typeOf(here)) !== 'symlink') {
      place = [...place, step]
      continue
    }
    if ((links += 1) > mostLinks) throw new EngineError('not_found', `"${path}" leads through more than ${mostLinks} links`)
    const target = await look.linkOf(here)
    if (target.startsWith('/')) place = []
    steps = [...stepsOf(target), ...steps]
  }
  return `/${place.join('/')}`
}

function stepsOf(path: string): readonly string[] {
  return path.split('/').filter((step) => step !== '' && step !== '.')
}
