// One layer to a committed snapshot.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions, Descriptor, Digest, Mount } from '../../model/common.js'
import { type PrepareOptions, type Snapshotter, chainIdLabel } from '../../ports/engine/snapshotter.js'
import type { Storage } from '../../ports/engine/storage.js'
import { Rollback } from '../../util/rollback.js'
import type { ImageContext } from './context.js'

export interface UnpackLayer {
  readonly layer: Descriptor
  readonly diffId: Digest
}
/** Of a layer that is not here. */
export interface LayerStream {
  bytes(offset: number): AsyncIterable<Uint8Array>
  /** The repository it comes from. */
  readonly source: string
}
export interface UnpackStep extends UnpackLayer {
  readonly name: Digest
  readonly parent: Digest | undefined
  /** In the key, so that repair knows whose it is. */
  readonly owner: string
  /** Resolves when the blob is here. */
  ready(): Promise<unknown>
  /** Unpacked as it comes, where the storage can. */
  readonly stream?: LayerStream | undefined
  begun(): void
  /** Resolves when the parent is committed. Absent: it is. */
  readonly below?: (() => Promise<void>) | undefined
}
type Context = Pick<ImageContext, 'transfers' | 'failedUndo'>

/** Only what is found through a hold is kept: another process has removed it in between. */
export class ParentGone extends Error {}

export async function unpackOne(
  context: Context,
  storage: Storage,
  snapshotter: Snapshotter,
  step: UnpackStep,
  { signal }: CallOptions,
): Promise<void> {
  const { layer, diffId, name, parent, below } = step
  const key = `extract-${step.owner} ${name}`
  const labels = { [chainIdLabel]: name }
  await using undo = new Rollback((failure) => {
    context.failedUndo(failure)
  })
  undo.defer(`remove snapshot "${key}"`, (cleanup) => snapshotter.remove(key, cleanup))
  const isLater = below !== undefined
  const mounts = await prepare(snapshotter, key, isLater ? undefined : parent, { signal, labels, parentLater: isLater })
  if (mounts === undefined) return
  const found = await apply(context, storage, step, mounts, { signal })
  if (found !== diffId) throw new EngineError('data_loss', `layer "${layer.digest}" unpacks to "${found}", its config says "${diffId}"`)
  await below?.()
  try {
    await snapshotter.commit(name, key, { signal, labels, parent: isLater ? parent : undefined })
    undo.keep()
  } catch (error) {
    if (isLater && isEngineError(error, 'not_found')) throw new ParentGone(key, { cause: error })
    // Another process was first: its snapshot is the same, ours goes.
    if (!isEngineError(error, 'already_exists')) throw error
    await keepFound(snapshotter, name, { signal })
  }
}

/** As its bytes come, or from the store. */
async function apply(
  { transfers }: Context,
  { layers, content }: Storage,
  { layer, stream, ready, begun, below }: UnpackStep,
  mounts: readonly Mount[],
  options: CallOptions,
): Promise<Digest> {
  if (stream !== undefined && layers.applyStream !== undefined && (await content.find(layer.digest, options)) === undefined) {
    const applyStream = layers.applyStream.bind(layers)
    const found = await transfers.run(() => applyStream(layer, stream.bytes, mounts, { ...options, source: stream.source }), options)
    begun()
    return found
  }
  await ready()
  options.signal?.throwIfAborted()
  begun()
  const fromStore = (): Promise<Digest> => layers.apply(layer, mounts, options)
  // One after the other needs no places.
  return below === undefined ? fromStore() : transfers.run(fromStore, options)
}

/** `undefined` when the layer is there: another process was first, or the snapshotter needs no unpacking. */
async function prepare(
  snapshotter: Snapshotter,
  key: string,
  parent: Digest | undefined,
  options: PrepareOptions & Required<Pick<PrepareOptions, 'labels'>>,
): Promise<readonly Mount[] | undefined> {
  try {
    return await snapshotter.prepare(key, parent, options)
  } catch (error) {
    if (isEngineError(error, 'not_found') && parent !== undefined) throw new ParentGone(key, { cause: error })
    if (!isEngineError(error, 'already_exists')) throw error
    await keepFound(snapshotter, options.labels?.[chainIdLabel] as Digest, { signal: options.signal })
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
