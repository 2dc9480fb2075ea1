// What is kept: from the roots along the labels that containerd's collector follows. Pure.
import type { Digest, Labels } from '../../../model/common.js'
import { gcRootLabel } from '../../host/gc-labels.js'
import { keptName } from './holds.js'
import type { SnapshotRecord } from './snapshot-records.js'

const contentPrefix = 'containerd.io/gc.ref.content'
const snapshotPrefix = 'containerd.io/gc.ref.snapshot.'
const backContentPrefix = 'containerd.io/gc.bref.content'
const backSnapshotPrefix = 'containerd.io/gc.bref.snapshot.'

/** All that could be kept or go. Things are called as in a hold: `keptName`. */
export interface Inventory {
  readonly blobs: ReadonlyMap<Digest, Labels>
  readonly snapshots: readonly { readonly snapshotter: string; readonly record: SnapshotRecord }[]
  /** Of image names. */
  readonly targets: readonly Digest[]
  readonly held: ReadonlySet<string>
}

const blobName = (digest: string): string => keptName({ kind: 'blob', digest: digest as Digest })
const snapshotName = (snapshotter: string, key: string): string => keptName({ kind: 'snapshot', snapshotter, key })

/** Names of all that is kept, of things that are not there, too. */
export function reach({ blobs, snapshots, targets, held }: Inventory): ReadonlySet<string> {
  const edges = new Map<string, string[]>()
  const roots: string[] = [...held, ...targets.map(blobName)]
  const refer = (from: string, to: string): void => {
    const known = edges.get(from)
    if (known === undefined) edges.set(from, [to])
    else known.push(to)
  }
  const note = (name: string, labels: Labels): void => {
    for (const to of references(labels, contentPrefix, snapshotPrefix)) refer(name, to)
    for (const from of references(labels, backContentPrefix, backSnapshotPrefix)) refer(from, name)
    if (labels[gcRootLabel] !== undefined) roots.push(name)
  }
  for (const [digest, labels] of blobs) note(blobName(digest), labels)
  for (const { snapshotter, record } of snapshots) {
    const name = snapshotName(snapshotter, record.key)
    note(name, record.labels)
    if (record.parent !== undefined) refer(name, snapshotName(snapshotter, record.parent))
    if (record.kind !== 'committed') roots.push(name)
  }
  const kept = new Set<string>()
  for (let name = roots.pop(); name !== undefined; name = roots.pop()) {
    if (kept.has(name)) continue
    kept.add(name)
    roots.push(...(edges.get(name) ?? []))
  }
  return kept
}

/** `prefix`, `prefix.more` and `prefix/more` are one kind of label; of a snapshot's the snapshotter comes first. */
function references(labels: Labels, content: string, snapshot: string): readonly string[] {
  return Object.entries(labels).flatMap(([key, value]) => {
    if (key.startsWith(content) && /^(?:[./]|$)/.test(key.slice(content.length))) return [blobName(value)]
    if (!key.startsWith(snapshot)) return []
    const [snapshotter = ''] = key.slice(snapshot.length).split('/')
    return [snapshotName(snapshotter, value)]
  })
}
