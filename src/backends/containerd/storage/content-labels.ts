// Labels of a blob that is there already: references and sources are added, nothing is taken away.
import type { CallOptions, Digest, Labels } from '../../../model/common.js'
import type { ContentReference, WriteOptions } from '../../../ports/engine/content.js'
import { Content } from '../gen/content_pb.js'
import { furtherReference, sourceLabel } from '../../host/gc-labels.js'
import { labelPaths, rootLabel } from '../labels.js'
import type { StorageWire } from './wire.js'

/** Throws `not_found`. A blob without a mark becomes ours; another root's stays theirs. */
export async function addLabels(wire: StorageWire, digest: Digest, options: WriteOptions): Promise<void> {
  const subject = { kind: 'blob', id: digest }
  const { info } = await wire.calls.unary(Content.method.info, { digest }, { signal: options.signal, subject })
  const before: Labels = info?.labels ?? {}
  const added: Record<string, string> = before[rootLabel] === undefined ? { [rootLabel]: wire.rootId } : {}
  for (const reference of options.references ?? []) Object.assign(added, furtherReference({ ...before, ...added }, reference))
  Object.assign(added, sourceLabel(before, options.source))
  if (Object.keys(added).length > 0) await setLabels(wire, digest, added, options)
}

export async function addReference(wire: StorageWire, digest: Digest, reference: ContentReference, options: CallOptions): Promise<void> {
  await addLabels(wire, digest, { ...options, references: [reference] })
}

/** Sets these labels and leaves the others. */
export async function setLabels(wire: StorageWire, digest: Digest, labels: Labels, { signal }: CallOptions): Promise<void> {
  const request = { info: { digest, labels: { ...labels } }, updateMask: { paths: labelPaths(labels) } }
  await wire.calls.unary(Content.method.update, request, { signal, subject: { kind: 'blob', id: digest } })
}
