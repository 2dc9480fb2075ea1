import type { CallOptions, Digest } from '../../model/common.js'
import type { ImageInfo } from '../../model/image.js'
import { familiarName, parseReference } from '../../oci/reference.js'
import type { ListImagesOptions } from '../../ports/backend/images.js'
import { glob } from '../../util/glob.js'
import type { ImageContext } from './context.js'
import { describeImage } from './describe.js'
import { type LocalImage, localImages } from './lookup.js'
import { visibleName } from './naming.js'

/** Each image once, with all its names; in the order of the store. */
export async function* listImages(
  context: ImageContext,
  { labels = {}, names, dangling = false, signal }: ListImagesOptions = {},
): AsyncGenerator<ImageInfo> {
  for (const { image, names: own } of await groupById(context, { signal })) {
    if (dangling && own.length > 0) continue
    if (names !== undefined && !own.some((name) => names.some((pattern) => matches(pattern, name)))) continue
    if (!Object.entries(labels).every(([key, value]) => image.config.labels?.[key] === value)) continue
    yield await describeImage(context, image, own, { signal })
  }
}

/** With the name it was found by, also when that is another client's in a shared store, which `list` leaves out. */
export async function namesOf(context: ImageContext, { id, name }: LocalImage, options: CallOptions = {}): Promise<readonly string[]> {
  const listed = (await groupById(context, options)).find(({ image }) => image.id === id)?.names ?? []
  return name === undefined || listed.includes(name) ? listed : [name, ...listed]
}

async function groupById(
  context: ImageContext,
  options: CallOptions,
): Promise<readonly { readonly image: LocalImage; readonly names: readonly string[] }[]> {
  const groups = new Map<Digest, { readonly image: LocalImage; readonly names: string[] }>()
  for await (const { record, local } of localImages(context, options)) {
    const group = groups.get(local.id) ?? { image: local, names: [] }
    groups.set(local.id, group)
    const name = visibleName(record.name)
    if (name !== undefined) group.names.push(name)
  }
  return [...groups.values()]
}

/** The whole name as it is stored, or as people write it. */
function matches(pattern: string, name: string): boolean {
  return glob(pattern, name) || glob(pattern, familiar(name))
}
function familiar(name: string): string {
  try {
    return familiarName(parseReference(name))
  } catch {
    return name
  }
}
