// Packs bytes of any chunking into WriteContentRequests of one size: each byte is copied once, into the message as it goes out.
import { WriteAction, WriteContentRequestSchema } from '../gen/content_pb.js'

/** The best throughput; far below the 16 MiB that the daemon takes. */
export const frameBytes: number = 1 << 20
// action, offset (tag and up to 10 bytes), data (tag and up to 5 bytes)
const headerRoom = 2 + 11 + 6
const tag = (number: number, wireType: number): number => (number << 3) | wireType
const fields = WriteContentRequestSchema.field
const actionTag = tag(fields.action.number, 0)
const offsetTag = tag(fields.offset.number, 0)
const dataTag = tag(fields.data.number, 2)

/** Buffers are used again: at most `window` messages may be on their way at once. */
export class Frames {
  readonly #buffers: Buffer[] = []
  readonly #window: number
  #next = 0
  #filled = 0

  constructor(window: number) {
    this.#window = window
  }
  get filledBytes(): number {
    return this.#filled
  }
  /** Takes what fits; returns how much that was. The frame is full when it was less than all, or `isFull`. */
  fill(chunk: Uint8Array): number {
    const room = Math.min(chunk.byteLength, frameBytes - this.#filled)
    this.#current().set(room === chunk.byteLength ? chunk : chunk.subarray(0, room), headerRoom + this.#filled)
    this.#filled += room
    return room
  }
  get isFull(): boolean {
    return this.#filled === frameBytes
  }
  /** The message for what was filled in, to be written at `offset`; begins the next frame. */
  take(offset: number): Buffer {
    const buffer = this.#current()
    const header = Buffer.allocUnsafe(headerRoom)
    let length = 0
    header[length++] = actionTag
    header[length++] = WriteAction.WRITE
    header[length++] = offsetTag
    length = writeVarint(header, length, offset)
    header[length++] = dataTag
    length = writeVarint(header, length, this.#filled)
    header.copy(buffer, headerRoom - length, 0, length)
    const message = buffer.subarray(headerRoom - length, headerRoom + this.#filled)
    this.#filled = 0
    this.#next = (this.#next + 1) % this.#window
    return message
  }
  #current(): Buffer {
    return (this.#buffers[this.#next] ??= Buffer.allocUnsafeSlow(headerRoom + frameBytes))
  }
}

function writeVarint(into: Buffer, at: number, value: number): number {
  let rest = value
  while (rest >= 0x80) {
    into[at++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  into[at++] = rest
  return at
}
