// Labels of a blob: references and sources are added, nothing is taken away.
import type { Digest, Labels } from '../../../model/common.js'
import type { WriteOptions } from '../../../ports/engine/content.js'
import { isEngineError } from '../../../errors.js'
import { firstReferences, furtherReference, sourceLabel, uncompressedLabel } from '../../host/gc-labels.js'
import type { Store } from './store.js'

export async function labelBlob(store: Store, digest: Digest, { references = [], source, signal }: WriteOptions): Promise<void> {
  await addLabels(store, digest, { signal }, (before) => {
    const first = before === undefined ? firstReferences(references) : {}
    const added: Record<string, string> = { ...first, ...sourceLabel(before ?? {}, source) }
    if (before !== undefined) for (const reference of references) Object.assign(added, furtherReference({ ...before, ...added }, reference))
    return added
  })
}

/** `more` is called again when somebody writes in between. */
export async function addLabels(
  { labels }: Pick<Store, 'labels'>,
  digest: Digest,
  { signal }: Pick<WriteOptions, 'signal'>,
  more: (before: Labels | undefined) => Labels,
): Promise<void> {
  for (;;) {
    const stored = await labels.find(digest, { signal })
    const added = more(stored?.value)
    if (Object.keys(added).length === 0) return
    try {
      if (stored === undefined) await labels.create(digest, added, { signal })
      else await labels.replace(digest, stored, { ...stored.value, ...added }, { signal })
      return
    } catch (error) {
      const again = (['already_exists', 'conflict', 'not_found'] as const).some((code) => isEngineError(error, code))
      if (!again) throw error
    }
  }
}

/** As containerd notes what a layer's blob unpacks to. */
export async function labelUncompressed(
  store: Store,
  digest: Digest,
  diffId: Digest,
  options: Pick<WriteOptions, 'signal'>,
): Promise<void> {
  await addLabels(store, digest, options, (before) => (before?.[uncompressedLabel] === diffId ? {} : { [uncompressedLabel]: diffId }))
}
