// Giving a name to an image, without losing one that a container is made from.
import { isEngineError } from '../../errors.js'
import type { CallOptions, Descriptor, Digest } from '../../model/common.js'
import type { ImageStore, Storage } from '../../ports/engine/storage.js'
import type { ImageContext } from './context.js'
import { resolveTarget } from './lookup.js'
import { danglingName } from './naming.js'

/**
 * Gives the name to `target`, taking it from whatever had it. An image that a container was made from stays without a name
 * when that was its last; any other is left to the collector.
 */
export async function putName(
  context: Pick<ImageContext, 'documents' | 'platform' | 'usedBy'>,
  storage: Pick<Storage, 'images' | 'content'>,
  name: string,
  target: Descriptor,
  options: CallOptions = {},
): Promise<void> {
  const { images } = storage
  const before = await images.find(name, options)
  if (before !== undefined && before.target.digest !== target.digest && (await isUsed(context, storage, before.target, options))) {
    if (!(await hasOtherName(images, name, before.target.digest, options))) {
      await images.put({ name: danglingName(before.target.digest), target: before.target, labels: {} }, options)
    }
  }
  await images.put({ name, target, labels: before?.labels ?? {} }, options)
  // It has the name now: an abort comes too late.
  if ((await images.find(danglingName(target.digest))) !== undefined) await images.delete(danglingName(target.digest))
}

async function isUsed(
  context: Pick<ImageContext, 'documents' | 'platform' | 'usedBy'>,
  { content }: Pick<Storage, 'content'>,
  target: Descriptor,
  options: CallOptions,
): Promise<boolean> {
  const local = await resolveTarget(context, content, target, undefined, options).catch((error: unknown) => {
    if (isEngineError(error, 'data_loss')) return undefined
    throw error
  })
  return local !== undefined && (await context.usedBy(local.id, options)).length > 0
}
async function hasOtherName(images: Pick<ImageStore, 'list'>, name: string, target: Digest, options: CallOptions): Promise<boolean> {
  for await (const other of images.list(options)) if (other.name !== name && other.target.digest === target) return true
  return false
}
