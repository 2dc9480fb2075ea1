// A blob from a registry into the store: skipped when it is there, gone on with where an earlier pull stopped.
import { isEngineError } from '../../errors.js'
import { isForeignLayerType } from '../../oci/media-types.js'
import type { LayerDescriptor } from '../../oci/manifest.js'
import { repositoryName } from '../../oci/reference.js'
import type { ContentStore } from '../../ports/engine/content.js'
import type { RegistryClient, Repository } from '../../registry/client.js'
import { counted, type Report } from './progress.js'

export interface FetchBlob {
  readonly content: ContentStore
  readonly registry: Pick<RegistryClient, 'blob' | 'foreignBlob'>
  readonly repository: Repository
  readonly blob: LayerDescriptor
  readonly report: Report
  readonly signal: AbortSignal | undefined
}
const attempts = 3

export async function fetchBlob(request: FetchBlob): Promise<void> {
  const { content, blob, report, signal } = request
  const { digest: layer, size: totalBytes } = blob
  if ((await content.find(layer, { signal })) === undefined) {
    const addresses = isForeignLayerType(blob.mediaType) ? (blob.urls ?? []) : []
    await firstThatWorks([...addresses.map((address) => () => transfer(request, address)), () => transfer(request)])
  }
  report({ phase: 'download', layer, doneBytes: totalBytes, totalBytes })
}

/** Of the registry's own, from an offset on. */
export function blobBytes(
  { registry, repository, blob, report, signal }: Omit<FetchBlob, 'content'>,
  address?: string,
): (offset: number) => AsyncIterable<Uint8Array> {
  const { digest: layer, size: totalBytes } = blob
  const passed = (doneBytes: number): void => {
    report({ phase: 'download', layer, doneBytes, totalBytes })
    if (doneBytes === totalBytes) report({ phase: 'verify', layer, doneBytes, totalBytes })
  }
  return (offset) => {
    const options = { offset, signal }
    const bytes = address === undefined ? registry.blob(repository, blob, options) : registry.foreignBlob(address, blob, options)
    return counted(bytes, offset, passed)
  }
}

async function transfer(request: FetchBlob, address?: string): Promise<void> {
  const { content, repository, blob, signal } = request
  const bytes = blobBytes(request, address)
  for (let attempt = 1; ; attempt++) {
    let begunAt = 0
    const from = (offset: number): AsyncIterable<Uint8Array> => {
      begunAt = offset
      return bytes(offset)
    }
    try {
      await content.write(blob, from, { source: repositoryName(repository), signal })
      return
    } catch (error) {
      // The part that was gone on from was wrong from the start.
      const partWasBad = begunAt > 0 && isEngineError(error, 'data_loss')
      if (!partWasBad || attempt === attempts) throw error
    }
  }
}

/** A foreign layer is where it says, or in the registry after all. */
async function firstThatWorks(ways: readonly (() => Promise<void>)[]): Promise<void> {
  for (const [index, way] of ways.entries()) {
    try {
      await way()
      return
    } catch (error) {
      if (index === ways.length - 1 || !isEngineError(error)) throw error
    }
  }
}
