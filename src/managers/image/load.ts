// `images.load`: archives of `docker save` and OCI layouts. All of their images, or none.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ProgressOptions } from '../../ports/backend/images.js'
import type { HeldStorage } from '../../ports/engine/storage.js'
import { Rollback } from '../../util/rollback.js'
import { Archive, type ArchivedImage } from './archive.js'
import type { ImageContext } from './context.js'
import { dockerImages } from './load-docker.js'
import { layoutImages } from './load-layout.js'
import { type LocalImage, resolveTarget } from './lookup.js'
import { putName } from './names.js'
import { danglingName } from './naming.js'
import { reporter } from './progress.js'
import { unpackImage } from './unpack.js'

/** Resolves with the images in the archive's order, each once. */
export async function loadImages(
  context: ImageContext,
  tar: AsyncIterable<Uint8Array>,
  options: ProgressOptions = {},
): Promise<readonly LocalImage[]> {
  const { signal } = options
  const report = reporter(options.onProgress)
  await using storage = await context.storage.hold({ signal })
  const archive = await Archive.read(storage.content, tar, report, { signal })
  const images = await archivedImages(archive, storage, { signal })
  const locals: LocalImage[] = []
  for (const { target } of images) {
    const local = await resolveTarget(context, storage.content, target, undefined, { signal })
    if (local === undefined) throw new EngineError('invalid_argument', `archive lacks the manifest or config of image "${target.digest}"`)
    await unpackArchived(context, storage, local, { ...options, onProgress: report })
    locals.push(local)
  }
  await nameAll(context, storage, images, { signal })
  report({ phase: 'done', doneBytes: 0 })
  return locals
}

async function archivedImages(archive: Archive, storage: HeldStorage, options: CallOptions): Promise<readonly ArchivedImage[]> {
  const layout = archive.find('index.json')
  const docker = archive.find('manifest.json')
  if (layout === undefined && docker === undefined) {
    throw new EngineError(
      'invalid_argument',
      'archive has neither "index.json" nor "manifest.json": to make an image of a root file system, import it',
    )
  }
  const images =
    layout === undefined ? await dockerImages(archive, storage.content, options) : await layoutImages(archive, storage.content, options)
  if (images.length === 0) throw new EngineError('invalid_argument', 'archive has no image')
  return images
}

async function unpackArchived(
  context: ImageContext,
  storage: HeldStorage,
  image: LocalImage,
  { signal, onProgress }: ProgressOptions,
): Promise<void> {
  try {
    await unpackImage(context, storage, image.id, image.layers, { signal, report: onProgress })
  } catch (error) {
    if (!isEngineError(error, 'not_found')) throw error
    throw new EngineError('invalid_argument', `archive lacks a layer of image "${image.manifest.digest}"`, { cause: error })
  }
}

async function nameAll(context: ImageContext, storage: HeldStorage, images: readonly ArchivedImage[], options: CallOptions): Promise<void> {
  const store = storage.images
  await using undo = new Rollback((failure) => {
    context.failedUndo(failure)
  })
  for (const { target, names } of images) {
    for (const name of names.length === 0 ? [danglingName(target.digest)] : names) {
      const before = await store.find(name, options)
      undo.defer(`give the name "${name}" back`, (cleanup) =>
        before === undefined ? store.delete(name, cleanup) : store.put(before, cleanup),
      )
      if (names.length === 0) await store.put({ name, target, labels: {} }, options)
      else await putName(context, storage, name, target, options)
    }
  }
  undo.keep()
}
