// ttrpc: frames of ten bytes and a message, many calls over one unix socket.
// https://github.com/containerd/ttrpc/blob/main/PROTOCOL.md
import { type Socket, connect } from 'node:net'
import { EngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import { raceAbort } from '../../../util/abort.js'
import { bytesOf, decode, encode, numberOf, stringOf } from './protobuf.js'

const headerBytes = 10
/** The protocol's own limit. */
const mostBytes = 4 << 20
const requestType = 1
const responseType = 2

export interface Frame {
  readonly stream: number
  readonly type: number
  readonly payload: Uint8Array
}
export function encodeFrame({ stream, type, payload }: Frame): Uint8Array {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32BE(payload.length, 0)
  header.writeUInt32BE(stream, 4)
  header.writeUInt8(type, 8)
  return Buffer.concat([header, payload])
}
/** Puts frames together from whatever pieces come. Throws RangeError for one that is larger than the protocol allows. */
export class FrameReader {
  #pending: Uint8Array[] = []
  #size = 0

  push(bytes: Uint8Array): readonly Frame[] {
    const frames: Frame[] = []
    this.#pending.push(bytes)
    this.#size += bytes.length
    while (this.#size >= headerBytes) {
      const all = this.#pending.length === 1 ? Buffer.from(this.#pending[0] as Uint8Array) : Buffer.concat(this.#pending)
      const length = all.readUInt32BE(0)
      if (length > mostBytes) throw new RangeError(`a frame of ${length} bytes`)
      this.#pending = [all]
      if (all.length < headerBytes + length) break
      this.#pending = [all.subarray(headerBytes + length)]
      this.#size = all.length - headerBytes - length
      frames.push({ stream: all.readUInt32BE(4), type: all.readUInt8(8), payload: all.subarray(headerBytes, headerBytes + length) })
    }
    return frames
  }
}

interface Waiting {
  resolve(payload: Uint8Array): void
  reject(error: unknown): void
}
/** As gRPC has them; in `failed_precondition` and `internal` the words are all there is. */
export class TtrpcError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.name = 'TtrpcError'
    this.status = status
  }
}

export class TtrpcClient {
  readonly #socket: Socket
  readonly #calls: Map<number, Waiting> = new Map()
  #next = 1
  #failure: EngineError | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    const reader = new FrameReader()
    socket.on('data', (bytes: Buffer) => {
      try {
        for (const frame of reader.push(bytes)) this.#take(frame)
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#fail('the shim has broken its connection')
    })
  }
  /** Throws what the socket says: ENOENT, ECONNREFUSED. */
  static async connect(path: string): Promise<TtrpcClient> {
    const socket = connect({ path })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    socket.removeAllListeners('error')
    return new TtrpcClient(socket)
  }
  get closed(): boolean {
    return this.#failure !== undefined
  }
  /** An abort gives the answer up, not the call. Throws TtrpcError, and `unavailable` when the connection goes. */
  async call(service: string, method: string, payload: Uint8Array, { signal }: CallOptions = {}): Promise<Uint8Array> {
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure
    const stream = this.#next
    this.#next += 2
    const answer = new Promise<Uint8Array>((resolve, reject) => {
      this.#calls.set(stream, { resolve, reject })
    })
    // A connection on which nothing is waited for keeps no program from ending.
    this.#socket.ref()
    const request = encode([
      [1, service],
      [2, method],
      [3, payload],
    ])
    this.#socket.write(encodeFrame({ stream, type: requestType, payload: request }))
    return raceAbort(answer, signal)
  }
  close(): void {
    this.#fail('this connection was closed')
    this.#socket.destroy()
  }

  #take({ stream, type, payload }: Frame): void {
    const call = this.#calls.get(stream)
    if (type !== responseType || call === undefined) return
    this.#calls.delete(stream)
    if (this.#calls.size === 0) this.#socket.unref()
    try {
      const response = decode(payload)
      const status = bytesOf(response, 1)
      const code = status === undefined ? 0 : numberOf(decode(status), 1)
      if (status !== undefined && code !== 0) call.reject(new TtrpcError(code, stringOf(decode(status), 2)))
      else call.resolve(bytesOf(response, 2) ?? new Uint8Array())
    } catch (error) {
      call.reject(error)
    }
  }
  #fail(why: string): void {
    if (this.#failure !== undefined) return
    this.#failure = new EngineError('unavailable', why, { retryable: true })
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const { reject } of calls) reject(this.#failure)
  }
}
