import { EngineError } from '../../../errors.js'
import type { ImageInfo } from '../../../model/image.js'
import { canonicalName } from '../../../oci/reference.js'
import type { ImportOptions } from '../../../ports/backend/images.js'
import { abortable } from '../../../util/abortable.js'
import { tell } from '../../../util/tell.js'
import { type HttpContext, requireCapability } from '../context.js'
import { describeImage } from './describe.js'
import { toInstructions } from './instructions.js'
import { imageRef, parseTag } from './names.js'
import { transferred } from './transfer.js'

export async function importImage(
  context: HttpContext,
  rootfs: AsyncIterable<Uint8Array>,
  { reference, config, platform, onProgress, signal }: ImportOptions = {},
): Promise<ImageInfo> {
  requireCapability(context, 'image_import')
  signal?.throwIfAborted()
  const instructions = toInstructions(context, config)
  const told = await transferred(
    context,
    '/images/create',
    {
      query: {
        fromSrc: '-',
        // Podman reads no `tag` here.
        repo: reference === undefined ? undefined : imageRef(context, canonicalName(parseTag(reference))),
        platform,
        changes: instructions.length === 0 ? undefined : instructions,
      },
      body: counted(abortable(rootfs, signal), (doneBytes) => {
        tell(onProgress, { phase: 'upload', doneBytes })
      }),
      signal,
    },
    ({ status }) => /^sha256:[0-9a-f]{64}$/.test(status ?? ''),
  )
  if (told?.status === null || told?.status === undefined)
    throw new EngineError('internal', 'the daemon does not say which image an import has made')
  return describeImage(context, told.status)
}

async function* counted(bytes: AsyncIterable<Uint8Array>, onBytes: (done: number) => void): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const chunk of bytes) {
    yield chunk
    done += chunk.byteLength
    onBytes(done)
  }
}
