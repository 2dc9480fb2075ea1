import { EngineError, isEngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { ImageInfo } from '../../../model/image.js'
import type { ListImagesOptions } from '../../../ports/backend/images.js'
import { familiarName, parseReference } from '../../../oci/reference.js'
import { glob } from '../../../util/glob.js'
import { inOrder } from '../../../util/in-order.js'
import { settled } from '../../../util/settled.js'
import type { HttpContext } from '../context.js'
import { pathWithSlashes } from '../path.js'
import { type ContainerUse, containerUses } from '../wire/container-use.js'
import { imageAnswer, imageList, toImageId, toImageInfo } from '../wire/image.js'
import { parse } from '../wire/parse.js'
import { imageRef } from './names.js'

export async function describeImage(context: HttpContext, ref: string, { signal }: CallOptions = {}): Promise<ImageInfo> {
  signal?.throwIfAborted()
  const [answer, uses] = await settled([inspect(context, ref, { signal }), containerUses(context, { signal })])
  return toImageInfo(answer, usersOf(answer.Id, uses), context.dialect.resources.hub)
}
/** `undefined` when it is not there. */
export async function findImage(context: HttpContext, ref: string, options?: CallOptions): Promise<ImageInfo | undefined> {
  try {
    return await describeImage(context, ref, options)
  } catch (error) {
    if (isEngineError(error, 'not_found')) return undefined
    throw error
  }
}

/** In the daemon's order, each once. One that goes away meanwhile is left out. */
export async function* listImages(context: HttpContext, options: ListImagesOptions = {}): AsyncGenerator<ImageInfo> {
  const { signal } = options
  signal?.throwIfAborted()
  const [answer, uses] = await settled([context.calls.json('GET', '/images/json', { signal }), containerUses(context, { signal })])
  const ids = new Set((parse(imageList, answer, 'GET /images/json') ?? []).map(({ Id }) => toImageId(Id)))
  for await (const one of inOrder([...ids], inspectedAtOnce, (id) => inspectOrNone(context, id, { signal }))) {
    if (one === undefined) continue
    const info = toImageInfo(one, usersOf(one.Id, uses), context.dialect.resources.hub)
    if (isWanted(info, options)) yield info
  }
}
const inspectedAtOnce = 8

type Answer = Parameters<typeof toImageInfo>[0]
async function inspect(context: HttpContext, ref: string, { signal }: CallOptions): Promise<Answer> {
  const called = imageRef(context, ref)
  const answer = await context.calls.json('GET', pathWithSlashes`/images/${called}/json`, { signal, subject: { kind: 'image', id: ref } })
  if (answer === undefined) throw new EngineError('internal', `the daemon says nothing about image "${ref}"`)
  return parse(imageAnswer, answer, 'GET /images/{name}/json')
}
async function inspectOrNone(context: HttpContext, id: string, options: CallOptions): Promise<Answer | undefined> {
  try {
    return await inspect(context, id, options)
  } catch (error) {
    if (isEngineError(error, 'not_found')) return undefined
    throw error
  }
}
function usersOf(id: string, uses: readonly ContainerUse[]): readonly string[] {
  const image = toImageId(id)
  return uses.filter(({ imageId }) => toImageId(imageId) === image).map((use) => use.id)
}

function isWanted({ names: own, config }: ImageInfo, { labels = {}, names, dangling = false }: ListImagesOptions): boolean {
  if (dangling && own.length > 0) return false
  if (names !== undefined && !own.some((name) => names.some((pattern) => glob(pattern, name) || glob(pattern, familiar(name)))))
    return false
  return Object.entries(labels).every(([key, value]) => config.labels?.[key] === value)
}
function familiar(name: string): string {
  try {
    return familiarName(parseReference(name))
  } catch {
    return name
  }
}
