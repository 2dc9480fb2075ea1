import type { CallOptions } from '../../../model/common.js'
import type { ImageHistoryEntry, ImageInfo } from '../../../model/image.js'
import type { PruneReport } from '../../../model/system.js'
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
} from '../../../ports/backend/images.js'
import { type HttpContext, requireCapability } from '../context.js'
import { pathWithSlashes } from '../path.js'
import { historyAnswer, toHistory } from '../wire/image.js'
import { parse } from '../wire/parse.js'
import { describeImage, listImages } from './describe.js'
import { pullImage } from './pull.js'
import { removeImage } from './remove.js'
import { tagImage } from './tag.js'

export class HttpImages implements ImageService {
  readonly #context: HttpContext
  constructor(context: HttpContext) {
    this.#context = context
  }

  async pull(reference: string, options?: PullOptions): Promise<ImageInfo> {
    return pullImage(this.#context, reference, options)
  }
  async push(ref: string, target: string, options?: PushOptions): Promise<void> {
    const { pushImage } = await import('./push.js')
    return pushImage(this.#context, ref, target, options)
  }
  async get(ref: string, options?: CallOptions): Promise<ImageInfo> {
    return describeImage(this.#context, ref, options)
  }
  list(options?: ListImagesOptions): AsyncIterable<ImageInfo> {
    return listImages(this.#context, options)
  }
  async tag(ref: string, name: string, options?: CallOptions): Promise<void> {
    return tagImage(this.#context, ref, name, options)
  }
  async remove(ref: string, options?: RemoveImageOptions): Promise<void> {
    return removeImage(this.#context, ref, options)
  }
  async load(tar: AsyncIterable<Uint8Array>, options?: ProgressOptions): Promise<readonly ImageInfo[]> {
    const { loadImages } = await import('./load.js')
    return loadImages(this.#context, tar, options)
  }
  async *save(refs: readonly string[], options?: SaveOptions): AsyncGenerator<Uint8Array, void, undefined> {
    const { saveImages } = await import('./save.js')
    yield* saveImages(this.#context, refs, options)
  }
  async import(rootfs: AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<ImageInfo> {
    const { importImage } = await import('./import.js')
    return importImage(this.#context, rootfs, options)
  }
  async history(ref: string, options: CallOptions = {}): Promise<readonly ImageHistoryEntry[]> {
    requireCapability(this.#context, 'image_history')
    const { id, layers } = await describeImage(this.#context, ref, options)
    const answer = await this.#context.calls.json('GET', pathWithSlashes`/images/${id}/history`, {
      signal: options.signal,
      subject: { kind: 'image', id: ref },
    })
    return toHistory(parse(historyAnswer, answer, 'GET /images/{name}/history') ?? [], layers)
  }
  async prune(options?: PruneImagesOptions): Promise<PruneReport> {
    const { pruneImages } = await import('./prune.js')
    return pruneImages(this.#context, options)
  }
  async build(request: BuildRequest, options?: BuildOptions): Promise<ImageInfo> {
    const { buildImage } = await import('./build.js')
    return buildImage(this.#context, request, options)
  }
}
