import type { CallOptions } from '../model/common.js'
import type { PruneReport } from '../model/system.js'
import type { Backend } from '../ports/backend/backend.js'
import type {
  ImportOptions,
  ListImagesOptions,
  ProgressOptions,
  PruneImagesOptions,
  PullOptions,
  RemoveImageOptions,
  SaveOptions,
} from '../ports/backend/images.js'
import type { BuildImageOptions } from './build-options.js'
import { found } from './found.js'
import { ListedImage } from './image.js'
import { checkInput, checkOptional } from './input/check.js'
import { byteStream, callOptions, names } from './input/fields.js'
import {
  buildContext,
  buildOptions,
  imageRef,
  importOptions,
  listImagesOptions,
  progressOptions,
  pruneImagesOptions,
  pullOptions,
  removeImageOptions,
  saveOptions,
} from './input/image.js'

export class Images {
  readonly #backend: Backend
  /** @internal */
  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** Resolves when every blob is verified and unpacked, and the name stands for it. */
  async pull(reference: string, options?: PullOptions): Promise<ListedImage> {
    return this.#listed(
      await this.#backend.images.pull(checkInput(imageRef, reference, 'pull'), checkOptional(pullOptions, options, 'pull')),
    )
  }
  /** A Docker or OCI archive, compressed or not: bytes as they come, e.g. a Node `Readable`. All of its images or none. */
  async load(archive: AsyncIterable<Uint8Array>, options?: ProgressOptions): Promise<readonly ListedImage[]> {
    const loaded = await this.#backend.images.load(checkInput(byteStream, archive, 'load'), checkOptional(progressOptions, options, 'load'))
    return loaded.map((info) => this.#listed(info))
  }
  /** A tar of a root file system becomes an image of one layer. */
  async import(rootfs: AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<ListedImage> {
    return this.#listed(
      await this.#backend.images.import(checkInput(byteStream, rootfs, 'import'), checkOptional(importOptions, options, 'import')),
    )
  }
  /**
   * `context` is a directory, sent without what its `.dockerignore` says, or a tar. A failed build rejects with a `BuildError`, which has the step and
   * the last of the output.
   */
  async build(context: string | AsyncIterable<Uint8Array>, options: BuildImageOptions = {}): Promise<ListedImage> {
    const given = checkInput(buildContext, context, 'build')
    const { signal, onStep, onOutput, ...request } = checkInput(buildOptions, options, 'build')
    const tar = typeof given === 'string' ? await contextOf(given, request.dockerfile, signal) : given
    return this.#listed(await this.#backend.images.build({ ...request, context: tar }, { signal, onStep, onOutput }))
  }
  /** Several images in one archive. The same images give the same bytes. */
  save(refs: readonly string[], options?: SaveOptions): AsyncIterable<Uint8Array> {
    return this.#backend.images.save(checkInput(names, refs, 'save'), checkOptional(saveOptions, options, 'save'))
  }
  /** `ref` is a name with tag or digest, an id, or an unambiguous beginning of one. Throws `not_found`. */
  async get(ref: string, options?: CallOptions): Promise<ListedImage> {
    return this.#listed(await this.#backend.images.get(checkInput(imageRef, ref, 'image'), checkOptional(callOptions, options, 'get')))
  }
  /** `undefined` where `get` throws `not_found`. */
  find(ref: string, options?: CallOptions): Promise<ListedImage | undefined> {
    return found(this.get(ref, options))
  }
  async *list(options?: ListImagesOptions): AsyncGenerator<ListedImage, void, undefined> {
    for await (const info of this.#backend.images.list(checkOptional(listImagesOptions, options, 'list'))) yield this.#listed(info)
  }
  /** By name: that name goes, and the image with its last one. */
  async remove(ref: string, options?: RemoveImageOptions): Promise<void> {
    return this.#backend.images.remove(checkInput(imageRef, ref, 'image'), checkOptional(removeImageOptions, options, 'remove'))
  }
  async prune(options?: PruneImagesOptions): Promise<PruneReport> {
    return this.#backend.images.prune(checkOptional(pruneImagesOptions, options, 'prune'))
  }
  #listed(info: Awaited<ReturnType<Backend['images']['get']>>): ListedImage {
    return new ListedImage(this.#backend, info)
  }
}

async function contextOf(
  directory: string,
  dockerfile: string | undefined,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const { packContext } = await import('./build-context.js')
  return packContext(directory, dockerfile ?? 'Dockerfile', { signal })
}
