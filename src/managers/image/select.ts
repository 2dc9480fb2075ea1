// Which image of an index, and whether an image is one at all.
import { EngineError } from '../../errors.js'
import type { Descriptor } from '../../model/common.js'
import { isConfigType, layerCompression } from '../../oci/media-types.js'
import type { ImageIndex, Manifest } from '../../oci/manifest.js'
import { choosePlatform, formatPlatform, matchesPlatform, type Platform, type PlatformDescriptor } from '../../oci/platform.js'

/** The best entry; `not_found` naming what there is. */
export function selectEntry(index: Pick<ImageIndex, 'manifests'>, wanted: Platform, name: string): PlatformDescriptor {
  const [best] = choosePlatform(index.manifests, wanted)
  if (best !== undefined) return best
  throw noPlatform(
    name,
    wanted,
    index.manifests.flatMap(({ platform }) => (platform === undefined || platform.architecture === 'unknown' ? [] : [platform])),
  )
}
export function noPlatform(name: string, wanted: Platform, present: readonly Platform[]): EngineError {
  const list = present.slice(0, 20).map(formatPlatform).join(', ')
  return new EngineError(
    'not_found',
    `image "${name}" is not there for "${formatPlatform(wanted)}"${list === '' ? '' : `, only for ${list}`}`,
  )
}
/** An image that is no index is taken whatever it is for, as Docker does, unless a platform was asked for by name. */
export function checkPlatform(platform: Platform, asked: Platform | undefined, name: string): void {
  if (asked !== undefined && !matchesPlatform(platform, asked)) throw noPlatform(name, asked, [platform])
}
/** Charts, signatures and other artifacts have manifests as well. */
export function checkRunnable({ config, layers }: Pick<Manifest, 'config' | 'layers'>, name: string): void {
  if (!isConfigType(config.mediaType))
    throw new EngineError('unsupported', `"${name}" is no container image: its config is of type "${config.mediaType}"`)
  const strange = layers.find(({ mediaType }) => layerCompression(mediaType) === undefined)
  if (strange !== undefined)
    throw new EngineError('unsupported', `layer "${strange.digest}" of image "${name}" is of the unknown type "${strange.mediaType}"`)
}
/** As it goes into the store: without what belongs to its place in an index. */
export function plainDescriptor({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size }
}
