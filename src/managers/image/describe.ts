import type { CallOptions } from '../../model/common.js'
import type { ImageInfo } from '../../model/image.js'
import { isEngineError } from '../../errors.js'
import { formatPlatform } from '../../oci/platform.js'
import type { ImageContext } from './context.js'
import type { LocalImage } from './lookup.js'
import { chainIds } from './unpack.js'

export async function describeImage(
  context: ImageContext,
  image: LocalImage,
  names: readonly string[],
  options: CallOptions = {},
): Promise<ImageInfo> {
  return {
    id: image.id,
    names,
    target: image.target,
    platform: formatPlatform(image.platform),
    createdAt: image.createdAt,
    config: image.config,
    sizeBytes: await sizeOf(context, image, options),
    layers: image.layers.map(({ diffId }) => diffId),
    usedBy: await context.usedBy(image.id, options),
  }
}

/** Of an image that is not unpacked, the size of its blobs: nobody knows more. */
async function sizeOf({ storage, sizes }: ImageContext, { chainId, layers }: LocalImage, options: CallOptions): Promise<number> {
  if (chainId === undefined) return 0
  const known = sizes.get(chainId)
  if (known !== undefined) return known
  const snapshotter = storage.snapshotter()
  try {
    const parts = await Promise.all(chainIds(layers.map(({ diffId }) => diffId)).map((name) => snapshotter.usage(name, options)))
    const total = parts.reduce((sum, { bytes }) => sum + bytes, 0)
    sizes.set(chainId, total)
    return total
  } catch (error) {
    if (!isEngineError(error, 'not_found')) throw error
    return layers.reduce((sum, { layer }) => sum + layer.size, 0)
  }
}
