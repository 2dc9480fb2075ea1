// One ingest of the daemon: bytes in, in order, with several messages on their way at once.
import type { CallOptions, Labels } from '../../../model/common.js'
import { EngineError, isEngineError } from '../../../errors.js'
import { sleep } from '../../../util/abort.js'
import type { Duplex } from '../duplex.js'
import { isRefLocked } from '../errors.js'
import {
  Content,
  WriteAction,
  type WriteContentRequestSchema,
  type WriteContentResponse,
  type WriteContentResponseSchema,
} from '../gen/content_pb.js'
import { Frames } from './frames.js'
import { type StorageWire, cleanupMs } from './wire.js'

export interface UploadTarget {
  /** The daemon's name for the ingest; one stream at a time has it. */
  readonly ref: string
  readonly subject: { readonly kind: string; readonly id: string }
  /** 0: not known. */
  readonly totalBytes: number
  readonly expected?: string | undefined
}
type WriteStream = Duplex<typeof WriteContentRequestSchema, typeof WriteContentResponseSchema>
const window = 4
const lockedWaitMs = { first: 16, most: 1_000 }

/** The stream's ref is ours while it is open. */
export class Upload implements AsyncDisposable {
  readonly #stream: WriteStream
  readonly #frames = new Frames(window)
  #underway = 0
  #offset: number

  constructor(stream: WriteStream, offset: number) {
    this.#stream = stream
    this.#offset = offset
  }
  /** How much is there, with what is on its way. */
  get offset(): number {
    return this.#offset + this.#frames.filledBytes
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.byteLength; ) {
      done += this.#frames.fill(done === 0 ? bytes : bytes.subarray(done))
      if (this.#frames.isFull) await this.#flush()
    }
  }
  async commit(target: UploadTarget, expected: string, labels: Labels): Promise<void> {
    if (this.#frames.filledBytes > 0) await this.#flush()
    const total = BigInt(this.#offset)
    this.#stream.send({ action: WriteAction.COMMIT, ref: target.ref, total, offset: total, expected, labels: { ...labels } })
    this.#underway++
    while (this.#underway > 0) await this.#acknowledged()
  }
  /** Waits until all that was given is stored, for whoever resumes. Never rejects. */
  async settle(): Promise<void> {
    try {
      if (this.#frames.filledBytes > 0) await this.#flush()
      while (this.#underway > 0) await this.#acknowledged()
    } catch {
      /* what is stored is stored */
    }
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#stream.close()
  }

  async #flush(): Promise<void> {
    if (this.#underway === window - 1) await this.#acknowledged() // its buffer is the one to be filled next
    const bytes = this.#frames.filledBytes
    this.#stream.send(this.#frames.take(this.#offset))
    this.#offset += bytes
    this.#underway++
  }
  async #acknowledged(): Promise<void> {
    await answer(this.#stream)
    this.#underway--
  }
}

/** Waits while another stream has the ref. Throws `already_exists` when the expected blob is there. */
export async function openUpload({ calls }: StorageWire, target: UploadTarget, options: CallOptions): Promise<Upload> {
  const { ref, subject, totalBytes, expected = '' } = target
  return unlessLocked(options, async () => {
    const stream = await calls.bidi(Content.method.write, { ...options, subject })
    try {
      stream.send({ action: WriteAction.STAT, ref, total: BigInt(totalBytes), expected })
      return new Upload(stream, Number((await answer(stream)).offset))
    } catch (error) {
      await stream.close()
      throw error
    }
  })
}

/** A whole small blob in one message. What an earlier try has left under this ref is dropped. */
export async function uploadAtOnce(
  { calls }: StorageWire,
  target: UploadTarget,
  data: Uint8Array,
  expected: string,
  labels: Labels,
  options: CallOptions,
): Promise<void> {
  await unlessLocked(options, async () => {
    await using stream = await calls.bidi(Content.method.write, { ...options, subject: target.subject })
    stream.send({ action: WriteAction.COMMIT, ref: target.ref, total: BigInt(data.byteLength), expected, data, labels: { ...labels } })
    await answer(stream)
  })
}

/** Drops an ingest that is not to be resumed. Never rejects: what stays is collected in a day, or with its lease. */
export async function dropIngest({ calls }: StorageWire, ref: string): Promise<void> {
  try {
    await calls.unary(Content.method.abort, { ref }, { deadlineMs: cleanupMs })
  } catch (error) {
    if (!isEngineError(error, 'not_found')) calls.trace({ kind: 'undo', name: `drop the ingest "${ref}"`, error })
  }
}

async function answer(stream: WriteStream): Promise<WriteContentResponse> {
  const message = await stream.receive()
  if (message === undefined) throw new EngineError('unavailable', 'containerd ended a write without an answer', { retryable: true })
  return message
}

async function unlessLocked<T>(options: CallOptions, work: () => Promise<T>): Promise<T> {
  for (let waitMs = lockedWaitMs.first; ; waitMs = Math.min(waitMs * 2, lockedWaitMs.most)) {
    try {
      return await work()
    } catch (error) {
      if (!isRefLocked(error)) throw error
      await sleep(waitMs * (0.5 + Math.random()), options.signal)
    }
  }
}
