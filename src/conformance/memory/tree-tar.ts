// Layers, as tar files with whiteouts, to changes of a tree and back.
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import tarStream from 'tar-stream'
import { EngineError } from '../../errors.js'
import { type Tree, type TreeEntry, below, cut, nameOf, normalise, parentOf, put, resolve, sameEntry } from './tree.js'

type Header = tarStream.Headers
const whiteout = '.wh.'
const opaque = '.wh..wh..opq'
const types: Readonly<Record<string, TreeEntry['type']>> = {
  file: 'file',
  'contiguous-file': 'file',
  directory: 'directory',
  symlink: 'symlink',
  'character-device': 'character',
  'block-device': 'block',
  fifo: 'fifo',
}
const headerTypes = {
  file: 'file',
  directory: 'directory',
  symlink: 'symlink',
  character: 'character-device',
  block: 'block-device',
  fifo: 'fifo',
} as const

/** Throws `data_loss` for what is no tar file, or half of one. */
export async function applyTar(tree: Tree, bytes: Uint8Array): Promise<Tree> {
  const changed = new Map(tree)
  const added = new Set<string>()
  const extract = tarStream.extract()
  Readable.from([bytes]).pipe(extract)
  try {
    for await (const entry of extract) {
      const { header } = entry
      const path = resolve(changed, header.name)
      const data = await buffer(entry)
      const name = nameOf(path)
      if (name === opaque) {
        for (const lower of below(changed, parentOf(path))) if (!added.has(lower)) changed.delete(lower)
      } else if (name.startsWith(whiteout)) {
        const gone = normalise(`${parentOf(path)}/${name.slice(whiteout.length)}`)
        if (!added.has(gone)) cut(changed, gone)
      } else {
        put(changed, path, toEntry(header, data, changed))
        added.add(path)
      }
    }
  } catch (error) {
    throw new EngineError('data_loss', `layer cannot be read: ${(error as Error).message}`, { cause: error })
  }
  return changed
}

/** What `upper` changed over `lower`, in the order of the paths. */
export async function diffTar(lower: Tree, upper: Tree): Promise<Buffer> {
  const pack = tarStream.pack()
  const whole = buffer(pack)
  const paths = [...new Set([...lower.keys(), ...upper.keys()])].sort()
  const linked = new Map<Uint8Array, string>()
  let gone: string | undefined
  for (const path of paths) {
    const before = lower.get(path)
    const now = upper.get(path)
    if (now === undefined) {
      if (gone !== undefined && path.startsWith(`${gone}/`)) continue // its directory's whiteout is enough
      gone = path
      pack.entry({ name: normalise(`${parentOf(path)}/${whiteout}${nameOf(path)}`) }, '')
    } else if (path !== '' && (before === undefined || !sameEntry(before, now))) {
      const first = now.data === undefined || now.data.byteLength === 0 ? undefined : linked.get(now.data)
      if (now.data !== undefined && first === undefined) linked.set(now.data, path)
      if (first === undefined) pack.entry(toHeader(path, now), Buffer.from(now.data ?? []))
      else pack.entry({ ...toHeader(path, now), type: 'link', linkname: first, size: 0 })
    }
  }
  pack.finalize()
  return whole
}

function toEntry(header: Header, data: Buffer, tree: Tree): TreeEntry {
  if (header.type === 'link') {
    const to = tree.get(resolve(tree, header.linkname ?? ''))
    if (to === undefined) throw new Error(`"${header.name}" is a link to "${String(header.linkname)}", which is not there`)
    return to
  }
  const type = types[header.type ?? 'file']
  if (type === undefined) throw new Error(`"${header.name}" is of type "${String(header.type)}"`)
  const extra = Object.fromEntries(
    Object.entries((header as { pax?: Record<string, string> }).pax ?? {}).filter(([key]) => key.startsWith('SCHILY.')),
  )
  return {
    type,
    mode: header.mode ?? (type === 'directory' ? 0o755 : 0o644),
    uid: header.uid ?? 0,
    gid: header.gid ?? 0,
    modifiedAt: header.mtime ?? new Date(0),
    ...(type === 'file' && { data }),
    ...(type === 'symlink' && { target: header.linkname ?? '' }),
    ...((type === 'character' || type === 'block') && { device: { major: header.devmajor ?? 0, minor: header.devminor ?? 0 } }),
    ...(Object.keys(extra).length > 0 && { extra }),
  }
}

function toHeader(name: string, { type, mode, uid, gid, modifiedAt, data, target, device, extra }: TreeEntry): Header {
  return {
    name: type === 'directory' ? `${name}/` : name,
    type: headerTypes[type],
    mode,
    uid,
    gid,
    mtime: modifiedAt,
    size: data?.byteLength ?? 0,
    ...(target !== undefined && { linkname: target }),
    ...(device !== undefined && { devmajor: device.major, devminor: device.minor }),
    ...(extra !== undefined && { pax: { ...extra } }),
  } as Header
}
