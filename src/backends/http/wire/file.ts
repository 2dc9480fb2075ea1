// The header `X-Docker-Container-Path-Stat`: base64 of JSON. pouchd writes its keys and the size as it stores them.
import * as z from 'zod/mini'
import { EngineError } from '../../../errors.js'
import type { FileStat } from '../../../model/container.js'
import { parse } from './parse.js'
import { nullish, toDate } from './values.js'

export interface PathStat extends Omit<FileStat, 'linkTarget'> {
  /** The whole path inside that a link leads to. Empty where there is no link, or the daemon does not tell. */
  readonly linkTarget: string
}
const schema = z.object({
  name: z.string(),
  size: z.union([z.number(), z.string()]),
  mode: z.number(),
  mtime: nullish(z.string()),
  linkTarget: nullish(z.string()),
})

export function parsePathStat(header: string | undefined, path: string): PathStat {
  if (header === undefined) throw new EngineError('internal', `the daemon does not say what "${path}" is`)
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(header, 'base64').toString('utf8')) as unknown
  } catch (error) {
    throw new EngineError('internal', `the daemon says of "${path}" what is no JSON`, { cause: error })
  }
  const { size, mode, mtime, linkTarget } = parse(schema, json, '{HEAD,GET} /containers/{id}/archive')
  return {
    name: path.split('/').filter(Boolean).at(-1) ?? '/',
    type: typeOf(mode),
    sizeBytes: Number(size),
    mode: permissions(mode),
    modifiedAt: toDate(mtime) ?? new Date(0),
    linkTarget: linkTarget ?? '',
  }
}

// Go's os.FileMode (io/fs of Go 1.16): type and special bits at the upper end, not where Unix has them.
const bits = { directory: 31, symlink: 27, device: 26, fifo: 25, socket: 24, setuid: 23, setgid: 22, sticky: 20 } as const
function has(mode: number, bit: keyof typeof bits): boolean {
  return Math.floor(mode / 2 ** bits[bit]) % 2 === 1
}
function typeOf(mode: number): FileStat['type'] {
  for (const type of ['directory', 'symlink', 'device', 'fifo', 'socket'] as const) if (has(mode, type)) return type
  return 'file'
}
function permissions(mode: number): number {
  const special = (has(mode, 'setuid') ? 0o4000 : 0) + (has(mode, 'setgid') ? 0o2000 : 0) + (has(mode, 'sticky') ? 0o1000 : 0)
  return (mode % 0o1000) + special
}
