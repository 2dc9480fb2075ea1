// Labels as containerd's collector and its own clients read and write them.
import type { Labels } from '../../model/common.js'
import type { ContentReference } from '../../ports/engine/content.js'

/** Its presence makes an object a root of collection; the value is for people. */
export const gcRootLabel = 'containerd.io/gc.root'
/** On leases: RFC 3339; later than that they keep nothing. */
export const gcExpireLabel = 'containerd.io/gc.expire'
/** On layer blobs: the digest of the uncompressed bytes. */
export const uncompressedLabel = 'containerd.io/uncompressed'

const contentPrefix = 'containerd.io/gc.ref.content'
const snapshotPrefix = 'containerd.io/gc.ref.snapshot'
const sourcePrefix = 'containerd.io/distribution.source'
const names = { manifest: 'm', config: 'config', layer: 'l' } as const
/** The daemon refuses more, key and value together. */
const maxLabelBytes = 4096

/** For what is written together with its references: numbered in order, as containerd's own client does. */
export function firstReferences(references: readonly ContentReference[]): Labels {
  const counts = { manifest: 0, config: 0, layer: 0, snapshot: 0 }
  return Object.fromEntries(
    references.map((reference) => {
      const index = counts[reference.kind]++
      if (reference.kind === 'snapshot')
        return [snapshotKey(reference.snapshotter, index === 0 ? undefined : reference.name), reference.name]
      const name = names[reference.kind]
      return [
        `${contentPrefix}.${reference.kind === 'config' ? (index === 0 ? name : `${name}${index}`) : `${name}.${index}`}`,
        reference.digest,
      ]
    }),
  )
}

/**
 * For what is there already: the label to add, or none. A further one is named by what it refers to, not numbered, so
 * that two who add at the same time cannot overwrite each other's.
 */
export function furtherReference(labels: Labels, reference: ContentReference): Labels {
  if (reference.kind === 'snapshot') {
    const first = snapshotKey(reference.snapshotter)
    if (labels[first] === undefined) return { [first]: reference.name }
    const present = Object.entries(labels).some(
      ([key, value]) => value === reference.name && (key === first || key.startsWith(`${first}/`)),
    )
    return present ? {} : { [snapshotKey(reference.snapshotter, reference.name)]: reference.name }
  }
  const present = Object.entries(labels).some(([key, value]) => key.startsWith(contentPrefix) && value === reference.digest)
  return present ? {} : { [`${contentPrefix}.${names[reference.kind]}.${reference.digest.replace(/^[^:]*:/, '')}`]: reference.digest }
}

/** Remembers that a blob can be mounted from `source` (`host/repository`); nothing when that is known or would not fit. */
export function sourceLabel(labels: Labels, source: string | undefined): Labels {
  const slash = source?.indexOf('/') ?? -1
  if (source === undefined || slash <= 0) return {}
  const key = `${sourcePrefix}.${source.slice(0, slash).replace(/:\d+$/, '')}` // containerd's own client leaves the port out
  const repository = source.slice(slash + 1)
  const known = labels[key]?.split(',') ?? []
  if (known.includes(repository)) return {}
  const value = [...known, repository].join(',')
  return Buffer.byteLength(key + value) > maxLabelBytes ? {} : { [key]: value }
}

function snapshotKey(snapshotter: string, further?: string): string {
  return `${snapshotPrefix}.${snapshotter}${further === undefined ? '' : `/${further}`}`
}
