// What the container manager asks of images.
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ContainerContext, ContainerImage } from '../container/context.js'
import { fillIn } from '../spec/fill-in.js'
import type { ImageContext } from './context.js'
import { ensureUnpacked, type LocalImage, type LookupOptions, lookupImage } from './lookup.js'

/** Warm, it costs a call of the image store and one of the snapshotter. */
export function imageSource({ context }: { readonly context: ImageContext }): ContainerContext['image'] {
  return async (reference, { pull, platform, signal }) => {
    const options = { platform, signal }
    const found = pull === 'always' ? undefined : await find(context, reference, pull === 'missing', options)
    const image = found ?? (await fetch(context, reference, options).catch((error: unknown) => notHere(error, reference, pull)))
    try {
      return await ready(context, image, { signal })
    } catch (error) {
      // Of an image that another client has fetched in part, the rest may be missing.
      if (found === undefined || pull === 'never' || !isEngineError(error, 'not_found')) throw error
      return ready(context, await fetch(context, reference, options), { signal })
    }
  }
}

/** Whoever did not ask for a pull is told why there was one. */
function notHere(error: unknown, reference: string, pull: string): never {
  if (pull !== 'missing' || !isEngineError(error)) throw error
  const { code, message, retryable } = error
  const subject = { kind: 'image', id: reference }
  throw new EngineError(code, `image "${reference}" is not here, and pulling it failed: ${message}`, { cause: error, retryable, subject })
}
async function ready(context: ImageContext, image: LocalImage, options: CallOptions): Promise<ContainerImage> {
  const parent = await ensureUnpacked(context, image, options)
  return { id: image.id, parent, fillIn: (spec) => fillIn(spec, image.config) }
}

async function find(context: ImageContext, reference: string, mayMiss: boolean, options: LookupOptions): Promise<LocalImage | undefined> {
  try {
    return await lookupImage(context, reference, options)
  } catch (error) {
    if (mayMiss && isEngineError(error, 'not_found')) return undefined
    throw error
  }
}
async function fetch(context: ImageContext, reference: string, options: LookupOptions): Promise<LocalImage> {
  const { pullImage } = await import('./pull.js')
  const image = await lookupImage(context, await pullImage(context, reference, options), options)
  await context.emit('pull', { id: image.id, name: image.name }, {})
  return image
}
