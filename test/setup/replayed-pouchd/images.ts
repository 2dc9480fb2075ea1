// Images of the replayed pouchd: names and configurations of what was loaded, told as the recorded ones were.
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import type { RawRequest, Wire } from '../scripted-daemon.js'
import { recorded, renamed, tell, tellBody } from './answers.js'

type Fields = Readonly<Record<string, unknown>>
export interface StoredImage {
  readonly id: string
  readonly config: Fields
  readonly layers: readonly string[]
  readonly history: readonly Fields[]
  readonly created: string
  readonly names: Set<string>
}
const hub = 'registry.hub.docker.com/library'

export class Images {
  readonly #images: Map<string, StoredImage> = new Map()

  /** By its id, the beginning of it, or a name. */
  find(ref: string): StoredImage | undefined {
    const name = wholeName(ref)
    const hex = ref.replace(/^sha256:/, '')
    return [...this.#images.values()].find(
      ({ id, names }) => names.has(name) || (/^[0-9a-f]{4,}$/.test(hex) && id.startsWith(`sha256:${hex}`)),
    )
  }
  list(wire: Wire): Promise<void> {
    return tellBody(wire, recorded('images', 'list'), [...this.#images.values()].map(told))
  }
  inspect(wire: Wire, ref: string): Promise<void> {
    const image = this.find(ref)
    return image === undefined ? absent(wire, ref) : tellBody(wire, recorded('images', 'busybox'), told(image))
  }
  history(wire: Wire, ref: string): Promise<void> {
    const image = this.find(ref)
    if (image === undefined) return absent(wire, ref)
    const answer = recorded('images', 'history')
    const [newest] = answer.body as readonly Fields[]
    const steps = image.history.map(({ created, created_by, empty_layer }, at) => ({
      ...newest,
      Created: Date.parse(String(created ?? image.created)) * 1e6,
      CreatedBy: created_by ?? '',
      EmptyLayer: empty_layer === true,
      ID: at === image.history.length - 1 ? image.id : '<missing>',
    }))
    return tellBody(wire, answer, steps.reverse())
  }
  tag(wire: Wire, ref: string, { query }: RawRequest): Promise<void> {
    const image = this.find(ref)
    if (image === undefined) return tell(wire, renamed(recorded('images', 'tag of what is absent'), { [`${hub}/nope`]: wholeName(ref) }))
    const name = wholeName(`${query.get('repo') ?? ''}:${query.get('tag') ?? 'latest'}`)
    if (this.find(name) !== undefined) return tell(wire, renamed(recorded('images', 'tag taken'), { '127.0.0.1:5000/demo/bb:v1': name }))
    image.names.add(name)
    return tell(wire, recorded('images', 'tagged'))
  }
  remove(wire: Wire, ref: string): Promise<void> {
    const image = this.find(ref)
    if (image === undefined)
      return tell(wire, renamed(recorded('images', 'remove absent'), { '127.0.0.1:5000/demo/bb:v1': wholeName(ref) }))
    image.names.delete(wholeName(ref))
    if (image.names.size === 0) this.#images.delete(image.id)
    return tell(wire, recorded('images', 'removed'))
  }
  async load(wire: Wire, { body }: RawRequest): Promise<void> {
    let files: ReadonlyMap<string, Buffer>
    try {
      files = await filesOf(body)
    } catch {
      return tell(wire, recorded('images', 'no archive'))
    }
    const manifest = files.get('manifest.json')
    if (manifest === undefined) return tell(wire, recorded('images', 'no archive'))
    for (const { Config, RepoTags } of JSON.parse(manifest.toString()) as readonly {
      readonly Config: string
      readonly RepoTags: string[] | null
    }[]) {
      const bytes = files.get(Config)
      if (bytes === undefined) return tell(wire, recorded('images', 'no archive'))
      const id = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
      const { config = {}, rootfs, history = [], created = '1970-01-01T00:00:00Z' } = JSON.parse(bytes.toString()) as ImageConfig
      const image = this.#images.get(id) ?? { id, config, layers: rootfs.diff_ids, history, created, names: new Set() }
      for (const name of RepoTags ?? []) {
        this.find(name)?.names.delete(wholeName(name))
        image.names.add(wholeName(name))
      }
      this.#images.set(id, image)
    }
    return tell(wire, recorded('images', 'loaded'))
  }
}

interface ImageConfig {
  readonly config?: Fields
  readonly rootfs: { readonly diff_ids: readonly string[] }
  readonly history?: readonly Fields[]
  readonly created?: string
}
function told({ id, config, layers, created, names }: StoredImage): object {
  const body = recorded('images', 'busybox').body as { readonly RootFS: object; readonly Config: object }
  return {
    ...body,
    Id: id,
    CreatedAt: created,
    Config: { ...body.Config, Cmd: null, Env: null, ...config },
    RepoTags: [...names],
    RepoDigests: [],
    RootFS: { ...body.RootFS, Layers: layers },
  }
}
function absent(wire: Wire, ref: string): Promise<void> {
  return tell(wire, renamed(recorded('images', 'absent'), { [`${hub}/nope:1`]: wholeName(ref) }))
}
/** As pouchd calls what has no registry, and no tag. */
export function wholeName(ref: string): string {
  const [first = '', ...rest] = ref.split('/')
  const placed = rest.length > 0 && /[.:]/.test(first) ? ref : `${hub}/${ref}`
  return /:[^/]+$/.test(placed) ? placed : `${placed}:latest`
}

async function filesOf(tar: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const entries = extract()
  Readable.from([tar]).pipe(entries)
  for await (const entry of entries) {
    const parts: Buffer[] = []
    for await (const part of entry) parts.push(part as Buffer)
    files.set(entry.header.name, Buffer.concat(parts))
  }
  return files
}
