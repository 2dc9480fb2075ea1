// `images.import`: a tar of a root file system becomes an image of one layer.
import type { Descriptor } from '../../model/common.js'
import { digestOf } from '../../oci/digest.js'
import { writeImageConfig } from '../../oci/image-config.js'
import { mediaTypes } from '../../oci/media-types.js'
import { parsePlatform } from '../../oci/platform.js'
import type { ImportOptions } from '../../ports/backend/images.js'
import { oneChunk } from './archive.js'
import { detect } from '../../oci/compression.js'
import type { ImageContext } from './context.js'
import { putName } from './names.js'
import { danglingName, parseTag } from './naming.js'
import { counted, reporter } from './progress.js'
import { PlainTar } from './plain-tar.js'
import { unpackImage } from './unpack.js'

const types = { none: mediaTypes.ociLayer, gzip: mediaTypes.ociLayerGzip, zstd: mediaTypes.ociLayerZstd } as const

/** Resolves with the name in the store. The same tar, options and time give the same image. */
export async function importImage(context: ImageContext, rootfs: AsyncIterable<Uint8Array>, options: ImportOptions = {}): Promise<string> {
  const { signal, reference, config: imageConfig = {} } = options
  const name = reference === undefined ? undefined : parseTag(reference)
  const platform = options.platform === undefined ? context.platform : parsePlatform(options.platform)
  const report = reporter(options.onProgress)
  await using storage = await context.storage.hold({ signal })
  const { content } = storage

  const { compression, bytes } = await detect(rootfs)
  const plain = new PlainTar(compression)
  const stored = await content.ingest(
    types[compression],
    plain.through(
      counted(bytes, 0, (doneBytes) => {
        report({ phase: 'download', doneBytes })
      }),
    ),
    { signal },
  )
  const layer: Descriptor = { mediaType: types[compression], digest: stored.digest, size: stored.size }
  const diffId = plain.digest
  const createdAt = context.now()
  const configBytes = writeImageConfig({
    platform,
    createdAt,
    config: imageConfig,
    diffIds: [diffId],
    history: [{ createdAt, createdBy: '', comment: 'imported', emptyLayer: false }],
  })
  const config = describe(mediaTypes.ociConfig, configBytes)
  await content.write(config, oneChunk(configBytes), { signal })
  const manifestBytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer] }))
  const target = describe(mediaTypes.ociManifest, manifestBytes)
  await content.write(target, oneChunk(manifestBytes), {
    signal,
    references: [
      { kind: 'config', digest: config.digest },
      { kind: 'layer', digest: layer.digest },
    ],
  })
  await unpackImage(context, storage, config.digest, [{ layer, diffId }], { signal, report })
  if (name === undefined) await storage.images.put({ name: danglingName(target.digest), target, labels: {} }, { signal })
  else await putName(context, storage, name, target, { signal })
  report({ phase: 'done', doneBytes: layer.size, totalBytes: layer.size })
  return name ?? danglingName(target.digest)
}

function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length }
}
