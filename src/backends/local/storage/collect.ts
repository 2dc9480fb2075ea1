// Collection: what nothing keeps is hidden, looked for once more, and freed. What is hidden by one who died comes back.
import { randomUUID } from 'node:crypto'
import { readdir, readFile, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallOptions, Digest, Labels } from '../../../model/common.js'
import { isDigest } from '../../../oci/digest.js'
import { fsError, hasErrno } from '../../../util/fs-error.js'
import { heldNames, keptName } from './holds.js'
import { nameless } from './ingest.js'
import { type Inventory, reach } from './reach.js'
import { moved, parseRecord, type SnapshotRecord } from './snapshot-records.js'
import { discard, fileNameOf } from './snapshot-remove.js'
import { type SnapshotterParts, usageOf } from './snapshot-parts.js'
import { ingestLock, keepLock, type Store } from './store.js'

/** Parts of blobs that nobody goes on with are freed after so long, as containerd does. */
const partMs = 24 * 3_600_000

interface Candidate {
  readonly name: string
  readonly bytes: number
  hide(): Promise<boolean>
  restore(): Promise<unknown>
  /** Out of sight for good. */
  free(): Promise<unknown>
}

export async function collect(
  store: Store,
  snapshotters: readonly SnapshotterParts[],
  options: CallOptions,
): Promise<{ readonly freedBytes: number }> {
  options.signal?.throwIfAborted()
  try {
    let freedBytes = 0
    {
      await using _keep = await store.locks.acquire(keepLock, options)
      await bringBack(store, snapshotters)
      const gone = await hideUnreachable(store, snapshotters, options)
      await store.step('collect.free')
      for (const candidate of gone) await candidate.free()
      freedBytes = gone.reduce((sum, { bytes }) => sum + bytes, 0)
    }
    await store.trash.empty()
    await sweepParts(store, options)
    return { freedBytes }
  } catch (error) {
    throw fsError(error, 'collection')
  }
}

/** To be called under the lock. */
export async function bringBack(store: Store, snapshotters: readonly SnapshotterParts[]): Promise<readonly string[]> {
  const { doomed, trash } = store.places
  const lines: string[] = []
  for (const name of await readdir(doomed)) {
    const path = join(doomed, name)
    const [kind, rest = ''] = name.split(',')
    const digest = decodeURIComponent(rest)
    const parts = snapshotters.find((one) => encodeURIComponent(one.name) === kind)
    if (kind === 'blob' && isDigest(digest)) await rename(path, store.places.blob(digest))
    else if (parts === undefined) await moved(path, join(trash, randomUUID()))
    else await restoreSnapshot(parts, path)
    lines.push(`brought back "${name}", which a dead process was about to free`)
  }
  return lines
}
async function restoreSnapshot(parts: SnapshotterParts, path: string): Promise<void> {
  const record = parseRecord(await readFile(path, 'utf8'), path)
  // One who died while removing it may have had its directory out of the way already.
  const whole = await stat(join(parts.directory, record.id, 'fs')).then(
    () => true,
    () => false,
  )
  if (whole) await parts.records.restore(fileNameOf(path), path)
  else await moved(path, join(parts.store.places.trash, randomUUID()))
}

async function hideUnreachable(
  store: Store,
  snapshotters: readonly SnapshotterParts[],
  options: CallOptions,
): Promise<readonly Candidate[]> {
  // Holds first: what goes from a hold to a name meanwhile is seen in one of the two.
  const held = await heldNames(store)
  const inventory = await takeInventory(store, snapshotters, held, options)
  const kept = reach(inventory)
  const hidden: Candidate[] = []
  for (const candidate of [
    ...(await snapshotCandidates(snapshotters, inventory, kept)),
    ...(await blobCandidates(store, inventory, kept)),
  ]) {
    options.signal?.throwIfAborted()
    await store.step('collect.hide')
    if (await candidate.hide()) hidden.push(candidate)
  }
  // Who kept or used one before it was hidden is seen now; who looks for it from now on does not find it.
  const now = await activeSnapshots(snapshotters)
  const still = reach({ ...inventory, snapshots: [...inventory.snapshots, ...now], held: new Set([...held, ...(await heldNames(store))]) })
  for (const candidate of hidden) if (still.has(candidate.name)) await candidate.restore()
  return hidden.filter(({ name }) => !still.has(name))
}

async function takeInventory(
  { labels, names, places }: Store,
  snapshotters: readonly SnapshotterParts[],
  held: ReadonlySet<string>,
  options: CallOptions,
): Promise<Inventory> {
  const targets: Digest[] = []
  for await (const { value } of names.list(options)) targets.push(value.target.digest)
  const blobs = new Map<Digest, Labels>()
  for (const algorithm of ['sha256', 'sha512'] as const) {
    for (const hex of await readdir(places.blobs(algorithm))) {
      const digest = `${algorithm}:${hex}`
      if (isDigest(digest)) blobs.set(digest, (await labels.find(digest, options))?.value ?? {})
    }
  }
  const snapshots: { snapshotter: string; record: SnapshotRecord }[] = []
  for (const { name, records } of snapshotters) for await (const record of records.list()) snapshots.push({ snapshotter: name, record })
  return { blobs, snapshots, targets, held }
}
async function activeSnapshots(snapshotters: readonly SnapshotterParts[]): Promise<Inventory['snapshots']> {
  const found: { snapshotter: string; record: SnapshotRecord }[] = []
  for (const { name, records } of snapshotters) {
    for await (const record of records.list()) if (record.kind !== 'committed') found.push({ snapshotter: name, record })
  }
  return found
}

async function blobCandidates(
  { places, labels, locks }: Store,
  { blobs }: Inventory,
  kept: ReadonlySet<string>,
): Promise<readonly Candidate[]> {
  const candidates: Candidate[] = []
  for (const digest of blobs.keys()) {
    const name = keptName({ kind: 'blob', digest })
    if (kept.has(name)) continue
    const [path, at] = [places.blob(digest), join(places.doomed, name)]
    const size = await stat(path).then(
      (stats) => stats.size,
      () => 0,
    )
    candidates.push({
      name,
      bytes: size,
      hide: () => moved(path, at),
      restore: () => rename(at, path),
      free: async () => {
        await moved(at, join(places.trash, randomUUID()))
        // Who writes it anew has this lock, and then its labels are that one's.
        await using writer = await locks.tryAcquire(ingestLock(digest))
        if (writer !== undefined && (await isAbsent(path))) await labels.delete(digest)
      },
    })
  }
  return candidates
}

/** Children before their parents, so that each stays whole until it is gone. */
async function snapshotCandidates(
  snapshotters: readonly SnapshotterParts[],
  { snapshots }: Inventory,
  kept: ReadonlySet<string>,
): Promise<readonly Candidate[]> {
  const candidates: Candidate[] = []
  const doomed = snapshots.filter(({ snapshotter, record }) => !kept.has(keptName({ kind: 'snapshot', snapshotter, key: record.key })))
  for (const { snapshotter, record } of [...doomed].sort((a, b) => b.record.chain.length - a.record.chain.length)) {
    const parts = snapshotters.find(({ name }) => name === snapshotter) as SnapshotterParts
    const name = keptName({ kind: 'snapshot', snapshotter, key: record.key })
    const at = join(parts.store.places.doomed, name)
    candidates.push({
      name,
      bytes: (await usageOf(parts, record, {})).bytes,
      hide: () => parts.records.hide(record.key, at),
      restore: () => parts.records.restore(fileNameOf(at), at),
      free: async () => {
        await discard(parts, record)
        await moved(at, join(parts.store.places.trash, randomUUID()))
      },
    })
  }
  return candidates
}

/** Parts of dead ingests at once, of blobs that could be gone on with when they are old. */
async function sweepParts(store: Store, options: CallOptions): Promise<void> {
  const { ingests } = store.places
  for (const name of await readdir(ingests)) {
    const path = join(ingests, name)
    const age =
      Date.now() -
      (await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => Date.now(),
      ))
    if (!name.startsWith(nameless) && age < partMs) continue
    const id = name.startsWith(nameless) ? name : name.replace('-', ':')
    await using writer = await store.locks.tryAcquire(ingestLock(id), options)
    if (writer !== undefined) await unlink(path).catch(() => {})
  }
}
async function isAbsent(path: string): Promise<boolean> {
  try {
    await stat(path)
    return false
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return true
    throw error
  }
}
