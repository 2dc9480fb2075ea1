// Where `docker cp` puts what it copies: decided by what is there, and by how the paths end.
import { stat } from 'node:fs/promises'
import { basename, join, posix, resolve } from 'node:path'
import { EngineError } from '../errors.js'
import type { FileStat } from '../model/container.js'

type Type = 'directory' | 'file'

/** The directory that is written to, and the name in it; `.` for the directory itself. `there` is what is at `to`, if anything. */
export async function planCopyIn(
  from: string,
  to: string,
  there: FileStat['type'] | undefined,
): Promise<{ readonly directory: string; readonly name: string }> {
  const type = await localType(from)
  if (type === undefined) throw new EngineError('not_found', `"${from}" is not there`)
  const whole = posix.normalize(to).replace(/(?<=.)\/$/, '')
  if (whole === '/' || decide(type, from, to, there) === 'into')
    return { directory: whole, name: isContent(from) && type === 'directory' ? '.' : basename(resolve(from)) || '.' }
  return { directory: posix.dirname(whole), name: posix.basename(whole) }
}

/** The path that a file or directory of the container becomes here. */
export async function planCopyOut(from: string, to: string, type: Type): Promise<string> {
  const name = posix.basename(posix.normalize(from))
  const into = decide(type, from, to, await localType(to)) === 'into'
  return into && !(isContent(from) && type === 'directory') && name !== '' ? join(to, name) : to
}

function decide(type: Type, from: string, to: string, there: FileStat['type'] | undefined): 'into' | 'as' {
  if (there === 'directory') return 'into'
  const mustBeDirectory = /\/\.?$/.test(to)
  if (there === undefined) {
    if (mustBeDirectory && type !== 'directory')
      throw new EngineError('not_found', `directory "${to}" is not there, to copy "${from}" into it`)
    return 'as'
  }
  if (mustBeDirectory || type === 'directory')
    throw new EngineError('failed_precondition', `"${to}" is not a directory: "${from}" cannot be copied over it`)
  return 'as'
}
function isContent(path: string): boolean {
  return /(?:^|\/)\.$/.test(path) || path === '/'
}
async function localType(path: string): Promise<Type | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw code === 'EACCES' ? new EngineError('permission_denied', `"${path}" may not be read`, { cause: error }) : error
  }
}
