// Layers to a chain of committed snapshots, each named by its chain id as containerd names it.
import { createHash, randomUUID } from 'node:crypto'
import { isEngineError } from '../../errors.js'
import type { CallOptions, Descriptor, Digest } from '../../model/common.js'
import type { Snapshotter } from '../../ports/engine/snapshotter.js'
import type { Storage } from '../../ports/engine/storage.js'
import { raceAbort } from '../../util/abort.js'
import type { ImageContext } from './context.js'
import type { Report } from './progress.js'
import { together } from './together.js'
import { type LayerStream, ParentGone, type UnpackLayer, unpackOne } from './unpack-layer.js'

export type { LayerStream, UnpackLayer } from './unpack-layer.js'
export interface UnpackOptions extends CallOptions {
  readonly report?: Report | undefined
  /** Resolves when the blob of the layer is there. Default: all are. */
  readonly ready?: ((layer: Descriptor, signal: AbortSignal | undefined) => Promise<unknown>) | undefined
  /** For layers that can be unpacked as they come. Default: none. */
  readonly stream?: ((layer: Descriptor, signal: AbortSignal | undefined) => LayerStream | undefined) | undefined
}
type UnpackContext = Pick<ImageContext, 'locks' | 'unpacking' | 'transfers' | 'failedUndo'>

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
        await unpackChain({ context, storage, snapshotter, layers, chain, owner, options })
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

interface Chain {
  readonly context: UnpackContext
  readonly storage: Storage
  readonly snapshotter: Snapshotter
  readonly layers: readonly UnpackLayer[]
  readonly chain: readonly Digest[]
  readonly owner: string
  readonly options: UnpackOptions
}

/** Side by side where the snapshotter can, else one after the other. */
async function unpackChain(work: Chain): Promise<void> {
  const { snapshotter, layers, options } = work
  if (snapshotter.parentLater !== true) {
    for (const index of layers.keys()) await unpackStep(work, index, undefined, options.signal)
    return
  }
  const committed = layers.map(() => new Turn())
  await together(
    layers.map((_, index) => async (inner: AbortSignal): Promise<void> => {
      const below = committed[index - 1]
      await unpackStep(work, index, below === undefined ? undefined : () => raceAbort(below.come, inner), inner)
      committed[index]?.tell()
    }),
    options.signal,
  )
}

async function unpackStep(
  { context, storage, snapshotter, layers, chain, owner, options }: Chain,
  index: number,
  below: (() => Promise<void>) | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { layer, diffId } = layers[index] as UnpackLayer
  const name = chain[index] as Digest
  const { digest, size } = layer
  const { report } = options
  using _ours = await context.unpacking.acquire(name, { signal })
  // Another process may be at it: what it fetches and unpacks need not be done twice. If it dies, its lock is free.
  await using _only = await context.locks.acquire(`layer/${name}`, { signal })
  if ((await snapshotter.find(name, { signal })) === undefined) {
    const step = {
      layer,
      diffId,
      name,
      parent: chain[index - 1],
      owner,
      below,
      ready: async () => options.ready?.(layer, signal),
      begun: () => report?.({ phase: 'unpack', layer: digest, doneBytes: 0, totalBytes: size }),
    }
    const stream = snapshotter.parentLater === true ? noting(options.stream?.(layer, signal)) : undefined
    try {
      await unpackOne(context, storage, snapshotter, { ...step, stream }, { signal })
    } catch (error) {
      // The part that was gone on from was wrong from the start, and is dropped now.
      if (stream?.wasResumed !== true || !isEngineError(error, 'data_loss')) throw error
      await unpackOne(context, storage, snapshotter, step, { signal })
    }
  }
  report?.({ phase: 'done', layer: digest, doneBytes: size, totalBytes: size })
}

function noting(stream: LayerStream | undefined): (LayerStream & { readonly wasResumed: boolean }) | undefined {
  if (stream === undefined) return undefined
  let wasResumed = false
  return {
    source: stream.source,
    bytes: (offset) => {
      wasResumed ||= offset > 0
      return stream.bytes(offset)
    },
    get wasResumed() {
      return wasResumed
    },
  }
}

/** Comes once. */
class Turn {
  tell: () => void = () => {}
  readonly come: Promise<void> = new Promise((resolve) => {
    this.tell = resolve
  })
}
