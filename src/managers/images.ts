// Images of a host: an index of the verbs. What reads registries or archives is loaded at its first use.
import type { CallOptions, Digest, Labels } from '../model/common.js'
import type { ImageHistoryEntry, ImageInfo } from '../model/image.js'
import type { PruneReport } from '../model/system.js'
import { hostPlatform } from '../oci/platform.js'
import type {
  BuildOptions,
  BuildRequest,
  ImageService,
  ImportOptions,
  ListImagesOptions,
  ProgressOptions,
  PruneImagesOptions,
  PullOptions,
  PushOptions,
  RemoveImageOptions,
  SaveOptions,
} from '../ports/backend/images.js'
import type { Locks } from '../ports/engine/locks.js'
import type { Storage } from '../ports/engine/storage.js'
import type { RegistryClient } from '../registry/client.js'
import type { RegistryOptions } from '../registry/options.js'
import { abortable } from '../util/abortable.js'
import { KeyedMutex } from '../util/keyed-mutex.js'
import type { FailedUndo } from '../util/rollback.js'
import type { ImageContext } from './image/context.js'
import { describeImage } from './image/describe.js'
import { Documents } from './image/documents.js'
import { Limiter } from './image/limiter.js'
import { listImages, namesOf } from './image/list.js'
import { type LocalImage, lookupImage } from './image/lookup.js'
import { Lru } from './image/lru.js'
import { putName } from './image/names.js'
import { parseTag } from './image/naming.js'
import { removeImage } from './image/remove.js'
import { unsupported } from './unsupported.js'

export interface ImageDeps {
  /** For messages. */
  readonly backend: string
  readonly storage: Storage
  readonly locks: Pick<Locks, 'acquire' | 'tryAcquire'>
  readonly registry?: RegistryOptions | undefined
  /** Ids of the containers made from the image whose config has this digest. */
  usedBy(imageId: Digest, options?: CallOptions): Promise<readonly string[]>
  /** Actions: `pull`, `load`, `import`, `tag`, `untag`, `remove`. */
  emit(action: string, subject: { readonly id: string; readonly name?: string | undefined }, attributes: Labels): Promise<unknown>
  failedUndo(failure: FailedUndo): void
  /** For the creation time of imported images. Default: the clock. */
  readonly now?: (() => Date) | undefined
}
/** Layers fetched at once, over all pulls. */
const transfers = 4

export class ImageManager implements ImageService {
  /** For `imageSource` and `repairUnpacking`. */
  readonly context: ImageContext
  readonly #backend: string
  #client: Promise<RegistryClient> | undefined

  constructor({ backend, registry, now = () => new Date(), ...deps }: ImageDeps) {
    this.#backend = backend
    const client = async (): Promise<RegistryClient> =>
      new (await import('../registry/client.js')).RegistryClient({ options: registry ?? {} })
    this.context = {
      storage: deps.storage,
      locks: deps.locks,
      documents: new Documents(),
      sizes: new Lru(256),
      transfers: new Limiter(transfers),
      unpacking: new KeyedMutex(),
      platform: hostPlatform(),
      now,
      registry: () => (this.#client ??= client()),
      usedBy: (id, options) => deps.usedBy(id, options),
      failedUndo: (failure) => {
        deps.failedUndo(failure)
      },
      emit: (action, subject, attributes) => deps.emit(action, subject, attributes),
    }
  }
  async pull(reference: string, options: PullOptions = {}): Promise<ImageInfo> {
    const { pullImage } = await import('./image/pull.js')
    return made(this.context, 'pull', await pullImage(this.context, reference, options), options.platform)
  }
  async get(ref: string, options: CallOptions = {}): Promise<ImageInfo> {
    return describe(this.context, await lookupImage(this.context, ref, options), options)
  }
  list(options?: ListImagesOptions): AsyncIterable<ImageInfo> {
    return listImages(this.context, options)
  }
  async tag(ref: string, name: string, options: CallOptions = {}): Promise<void> {
    const tag = parseTag(name)
    const image = await lookupImage(this.context, ref, options)
    await putName(this.context, this.context.storage, tag, image.target, options)
    await this.context.emit('tag', { id: image.id, name: tag }, {})
  }
  remove(ref: string, options?: RemoveImageOptions): Promise<void> {
    return removeImage(this.context, ref, options)
  }
  async load(tar: AsyncIterable<Uint8Array>, options: ProgressOptions = {}): Promise<readonly ImageInfo[]> {
    const { loadImages } = await import('./image/load.js')
    const loaded: ImageInfo[] = []
    for (const image of await loadImages(this.context, abortable(tar, options.signal), options)) {
      await this.context.emit('load', { id: image.id }, {})
      loaded.push(await describe(this.context, image))
    }
    return loaded
  }
  async import(rootfs: AsyncIterable<Uint8Array>, options: ImportOptions = {}): Promise<ImageInfo> {
    const { importImage } = await import('./image/import.js')
    return made(this.context, 'import', await importImage(this.context, abortable(rootfs, options.signal), options), options.platform)
  }
  async push(_ref: string, _target: string, _options?: PushOptions): Promise<void> {
    throw unsupported('image_push', this.#backend)
  }
  // biome-ignore lint/correctness/useYield: it ends at its first step
  async *save(_refs: readonly string[], _options?: SaveOptions): AsyncGenerator<Uint8Array> {
    throw unsupported('image_save', this.#backend)
  }
  async history(_ref: string, _options?: CallOptions): Promise<readonly ImageHistoryEntry[]> {
    throw unsupported('image_history', this.#backend)
  }
  async prune(_options?: PruneImagesOptions): Promise<PruneReport> {
    throw unsupported('image_prune', this.#backend)
  }
  async build(_request: BuildRequest, _options?: BuildOptions): Promise<ImageInfo> {
    throw unsupported('build', this.#backend)
  }
  /** Closes connections to registries; a later pull opens new ones. Never rejects. */
  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.then((opened) => opened.close()).catch(() => undefined)
  }
}

/** It has its name: an abort comes too late. */
async function made(context: ImageContext, action: string, name: string, platform: string | undefined): Promise<ImageInfo> {
  const image = await lookupImage(context, name, { platform })
  await context.emit(action, { id: image.id, name: image.name }, {})
  return describe(context, image)
}
async function describe(context: ImageContext, image: LocalImage, options: CallOptions = {}): Promise<ImageInfo> {
  return describeImage(context, image, await namesOf(context, image, options), options)
}
