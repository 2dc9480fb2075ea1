// Layers to a chain of committed snapshots, each named by its chain id as containerd names it.
import { createHash, randomUUID } from 'node:crypto'
import type { CallOptions, Descriptor, Digest, Mount } from '../../model/common.js'
import { EngineError, isEngineError } from '../../errors.js'
import { type Snapshotter, chainIdLabel } from '../../ports/engine/snapshotter.js'
import type { Storage } from '../../ports/engine/storage.js'
import { Rollback } from '../../util/rollback.js'
import type { ImageContext } from './context.js'
import type { Report } from './progress.js'

export interface UnpackLayer {
  readonly layer: Descriptor
  readonly diffId: Digest
}
export interface UnpackOptions extends CallOptions {
  readonly report?: Report | undefined
  /** Resolves when the blob of the layer is there. Default: all are. */
  readonly ready?: ((layer: Descriptor) => Promise<unknown>) | undefined
}
type UnpackContext = Pick<ImageContext, 'locks' | 'unpacking' | 'failedUndo'>

const attempts = 3
const keyPattern = /^extract-([0-9a-f-]{36}) /

/** OCI image-spec v1.1, config.md, "Layer ChainID". Of no layers: none. */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : `sha256:${createHash('sha256').update(`${below} ${diffId}`).digest('hex')}`)
  }
  return chain
}

/**
 * Resolves with the name of the topmost snapshot, to which `config` refers from then on. `storage` must be held, and what it
 * holds keeps the chain until an image does. What is there already is not unpacked again. A layer with another diff id than
 * the config says is `data_loss`.
 */
export async function unpackImage(
  context: UnpackContext,
  storage: Storage,
  config: Digest,
  layers: readonly UnpackLayer[],
  options: UnpackOptions = {},
): Promise<Digest | undefined> {
  const { signal } = options
  const chain = chainIds(layers.map(({ diffId }) => diffId))
  const top = chain.at(-1)
  if (top === undefined) return undefined
  const snapshotter = storage.snapshotter()
  if ((await snapshotter.find(top, { signal })) === undefined) {
    // By its name repair knows that what this call has begun is being worked on.
    const owner = randomUUID()
    await using _alive = await context.locks.acquire(unpackLock(owner), { signal })
    for (let attempt = 1; ; attempt++) {
      try {
        await unpackChain(context, storage, snapshotter, layers, chain, owner, options)
        break
      } catch (error) {
        // Only what is found through a hold is kept: a parent may go in between when another process removes its image.
        if (!(error instanceof ParentGone)) throw error
        if (attempt === attempts) throw error.cause
      }
    }
  }
  await storage.content.link(config, { kind: 'snapshot', snapshotter: snapshotter.name, name: top }, { signal })
  return top
}
/** Held while a call unpacks under keys that begin with `extract-<owner>`. */
export function unpackLock(owner: string): string {
  return `unpack/${owner}`
}
/** Of a snapshot that `unpackImage` has begun. */
export function unpackOwner(key: string): string | undefined {
  return keyPattern.exec(key)?.[1]
}

class ParentGone extends Error {}

async function unpackChain(
  context: UnpackContext,
  storage: Storage,
  snapshotter: Snapshotter,
  layers: readonly UnpackLayer[],
  chain: readonly Digest[],
  owner: string,
  { signal, report, ready }: UnpackOptions,
): Promise<void> {
  for (const [index, { layer, diffId }] of layers.entries()) {
    const name = chain[index] as Digest
    const { digest, size } = layer
    using _ours = await context.unpacking.acquire(name, { signal })
    if ((await snapshotter.find(name, { signal })) === undefined) {
      await ready?.(layer)
      signal?.throwIfAborted()
      report?.({ phase: 'unpack', layer: digest, doneBytes: 0, totalBytes: size })
      await unpackOne(context, storage, snapshotter, { layer, diffId, name, parent: chain[index - 1], owner }, { signal })
    }
    report?.({ phase: 'done', layer: digest, doneBytes: size, totalBytes: size })
  }
}

interface Step extends UnpackLayer {
  readonly name: Digest
  readonly parent: Digest | undefined
  readonly owner: string
}

async function unpackOne(
  context: UnpackContext,
  storage: Storage,
  snapshotter: Snapshotter,
  { layer, diffId, name, parent, owner }: Step,
  { signal }: CallOptions,
): Promise<void> {
  const key = `extract-${owner} ${name}`
  const labels = { [chainIdLabel]: name }
  await using undo = new Rollback((failure) => {
    context.failedUndo(failure)
  })
  undo.defer(`remove snapshot "${key}"`, (cleanup) => snapshotter.remove(key, cleanup))
  const mounts = await prepare(snapshotter, key, parent, labels, { signal })
  if (mounts === undefined) return
  const found = await storage.layers.apply(layer, mounts, { signal })
  if (found !== diffId) throw new EngineError('data_loss', `layer "${layer.digest}" unpacks to "${found}", its config says "${diffId}"`)
  try {
    await snapshotter.commit(name, key, { signal, labels })
    undo.keep()
  } catch (error) {
    // Another process was first: its snapshot is the same, ours goes.
    if (!isEngineError(error, 'already_exists')) throw error
    await keepFound(snapshotter, name, { signal })
  }
}

/** `undefined` when the layer is there: another process was first, or the snapshotter needs no unpacking. */
async function prepare(
  snapshotter: Snapshotter,
  key: string,
  parent: Digest | undefined,
  labels: Readonly<Record<string, string>>,
  { signal }: CallOptions,
): Promise<readonly Mount[] | undefined> {
  try {
    return await snapshotter.prepare(key, parent, { signal, labels })
  } catch (error) {
    if (isEngineError(error, 'not_found') && parent !== undefined) throw new ParentGone(key, { cause: error })
    if (!isEngineError(error, 'already_exists')) throw error
    await keepFound(snapshotter, labels[chainIdLabel] as Digest, { signal })
    return undefined
  }
}
/** Found through the hold, it stays. */
async function keepFound(snapshotter: Snapshotter, name: Digest, options: CallOptions): Promise<void> {
  if ((await snapshotter.find(name, options)) !== undefined) return
  throw new ParentGone(name, {
    cause: new EngineError('unavailable', `snapshot "${name}" went away while it was used`, { retryable: true }),
  })
}
