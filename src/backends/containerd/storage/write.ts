// `ContentStore.write` and `ingest`.
import { createHash, randomUUID } from 'node:crypto'
import type { CallOptions, Descriptor, Digest, Labels } from '../../../model/common.js'
import type { ByteSource, WriteOptions } from '../../../ports/engine/content.js'
import { EngineError, isEngineError } from '../../../errors.js'
import { firstReferences, sourceLabel } from '../../host/gc-labels.js'
import { rootLabel } from '../labels.js'
import { abortable } from '../../../util/abortable.js'
import { frameBytes } from './frames.js'
import { type UploadTarget, dropIngest, openUpload, uploadAtOnce } from './upload.js'
import { addLabels } from './content-labels.js'
import { keep } from './leases.js'
import type { StorageWire } from './wire.js'

/** The same for all who write this blob, so that one can go on where another has died. */
export const ingestRef = (digest: Digest): string => `pouch-sdk-${digest}`
const subjectOf = (digest: Digest): UploadTarget['subject'] => ({ kind: 'blob', id: digest })

export async function writeBlob(wire: StorageWire, expected: Descriptor, bytes: ByteSource, options: WriteOptions): Promise<void> {
  options.signal?.throwIfAborted()
  const { digest } = expected
  if (!digest.startsWith('sha256:'))
    throw new EngineError('unsupported', `blob "${digest}": containerd checks sha256 only`, { subject: subjectOf(digest) })
  // The daemon has a lock of its own, but not one that lets us drop an ingest without taking it from who comes next.
  await using _writer = await wire.locks.acquire(`ingest/${digest}`, { signal: options.signal })
  const target = { ref: ingestRef(digest), subject: subjectOf(digest), totalBytes: expected.size, expected: digest }
  const small = expected.size <= frameBytes && (options.offset ?? 0) === 0
  try {
    await (small ? writeSmall : writeLarge)(wire, target, expected, bytes, options)
  } catch (error) {
    if (isEngineError(error, 'already_exists')) {
      await addLabels(wire, digest, options)
      return
    }
    if (isEngineError(error, 'data_loss')) await dropIngest(wire, target.ref)
    throw error
  }
}

export async function ingestBlob(
  wire: StorageWire,
  mediaType: string,
  bytes: AsyncIterable<Uint8Array>,
  options: Omit<WriteOptions, 'offset'>,
): Promise<Descriptor> {
  options.signal?.throwIfAborted()
  const ref = `pouch-sdk-${randomUUID()}`
  const target = { ref, subject: { kind: 'ingest', id: ref }, totalBytes: 0 }
  const hash = createHash('sha256')
  let size = 0
  const digest = (): Digest => `sha256:${hash.digest('hex')}`
  const done = async (known: Digest, write: () => Promise<void>): Promise<Descriptor> => {
    await keepToCome(wire, known, options)
    try {
      await write()
    } catch (error) {
      if (!isEngineError(error, 'already_exists')) throw error
      await addLabels(wire, known, options)
      await dropIngest(wire, ref)
    }
    return { mediaType, digest: known, size }
  }
  try {
    const head: Uint8Array[] = []
    const source = abortable(bytes, options.signal)
    for (;;) {
      const { value, done: over } = await source.next()
      if (over === true) {
        const known = digest()
        return await done(known, () => uploadAtOnce(wire, target, Buffer.concat(head), known, labelsFor(wire, options), options))
      }
      hash.update(value)
      size += value.byteLength
      head.push(value)
      if (size > frameBytes) break
    }
    await using upload = await openUpload(wire, target, options)
    for (const chunk of head.splice(0)) await upload.write(chunk)
    for await (const chunk of source) {
      hash.update(chunk)
      size += chunk.byteLength
      await upload.write(chunk)
    }
    const known = digest()
    await wire.calls.step('content.write commit')
    return await done(known, () => upload.commit(target, known, labelsFor(wire, options)))
  } catch (error) {
    await dropIngest(wire, ref)
    throw error
  }
}

type Write = (wire: StorageWire, target: UploadTarget, expected: Descriptor, bytes: ByteSource, options: WriteOptions) => Promise<void>

const writeSmall: Write = async (wire, target, { digest, size }, bytes, options) => {
  const data = Buffer.allocUnsafe(size)
  let length = 0
  for await (const chunk of abortable(from(bytes, 0), options.signal)) {
    if (length + chunk.byteLength > size) throw tooLong(digest, size)
    data.set(chunk, length)
    length += chunk.byteLength
  }
  if (length !== size) throw tooShort(digest, size, length)
  await keepToCome(wire, digest, options)
  await uploadAtOnce(wire, target, data, digest, labelsFor(wire, options), options)
}

const writeLarge: Write = async (wire, target, { digest, size }, bytes, options) => {
  // But not the ingest: that is for whoever resumes, and expires by itself in a day.
  await keepToCome(wire, digest, options)
  await using upload = await openUpload({ ...wire, calls: wire.unleased }, target, options)
  const offset = typeof bytes === 'function' ? upload.offset : (options.offset ?? 0)
  let skip = upload.offset - offset
  if (skip < 0) {
    throw new EngineError('conflict', `blob "${digest}": only ${upload.offset} of its bytes are held, begin there`, { retryable: true })
  }
  try {
    for await (const chunk of abortable(from(bytes, offset), options.signal)) {
      const skipped = Math.min(skip, chunk.byteLength)
      skip -= skipped
      if (upload.offset + chunk.byteLength - skipped > size) throw tooLong(digest, size)
      await upload.write(skipped === 0 ? chunk : chunk.subarray(skipped))
    }
  } catch (error) {
    await upload.settle()
    throw error
  }
  if (skip > 0 || upload.offset !== size) throw tooShort(digest, size, upload.offset - skip)
  await wire.calls.step('content.write commit')
  await upload.commit(target, digest, labelsFor(wire, options))
}

/** The blob, before it is written: one that turns out to be there already could be collected before anybody refers to it. */
const keepToCome = ({ calls }: StorageWire, digest: Digest, options: CallOptions): Promise<void> =>
  keep(calls, { type: 'content', id: digest }, options)

const labelsFor = ({ rootId }: StorageWire, { references = [], source }: WriteOptions): Labels => ({
  [rootLabel]: rootId,
  ...firstReferences(references),
  ...sourceLabel({}, source),
})
const from = (bytes: ByteSource, offset: number): AsyncIterable<Uint8Array> => (typeof bytes === 'function' ? bytes(offset) : bytes)
const tooLong = (digest: Digest, size: number): EngineError =>
  new EngineError('data_loss', `blob "${digest}": more than its ${size} bytes came`, { subject: subjectOf(digest) })
const tooShort = (digest: Digest, size: number, got: number): EngineError =>
  new EngineError('data_loss', `blob "${digest}": ${got} of its ${size} bytes came`, { subject: subjectOf(digest) })
