// A call with a stream in both directions, as promises.
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import type { ClientDuplexStream } from '@grpc/grpc-js'
import type { Closeable } from '../../model/common.js'

/** Not for concurrent `receive`s. Closing it cancels the call, unless the daemon has ended it. */
export class Duplex<I extends DescMessage, O extends DescMessage> implements Closeable {
  readonly #call: ClientDuplexStream<MessageInitShape<I> | Buffer, MessageShape<O>>
  readonly #received: MessageShape<O>[] = []
  #waiting: { resolve(message: MessageShape<O> | undefined): void; reject(error: unknown): void } | undefined
  #ended: { readonly error?: unknown } | undefined
  readonly #finish: (error?: unknown) => unknown

  /** `finish` is called once, at the end, and makes of a foreign error the one to throw. */
  constructor(call: ClientDuplexStream<MessageInitShape<I> | Buffer, MessageShape<O>>, finish: (error?: unknown) => unknown) {
    this.#call = call
    this.#finish = finish
    call.on('data', (message: MessageShape<O>) => {
      const waiting = this.#waiting
      this.#waiting = undefined
      if (waiting === undefined) this.#received.push(message)
      else waiting.resolve(message)
    })
    call.on('error', (error: unknown) => {
      this.#end({ error })
    })
    call.on('end', () => {
      this.#end({})
    }) // after an error status, if there was one
  }
  /** Queues a message. A Buffer is one already encoded; it is copied before the daemon can have answered it. */
  send(message: MessageInitShape<I> | Buffer): void {
    if (this.#ended === undefined) this.#call.write(message)
  }
  /** The next message; undefined when the daemon has ended the call. Throws what the call failed with. */
  receive(): Promise<MessageShape<O> | undefined> {
    const next = this.#received.shift()
    if (next !== undefined) return Promise.resolve(next)
    if (this.#ended !== undefined) return 'error' in this.#ended ? Promise.reject(this.#ended.error as Error) : Promise.resolve(undefined)
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }
  /** Nothing more will be sent. */
  end(): void {
    this.#call.end()
  }
  async close(): Promise<void> {
    if (this.#ended !== undefined) return
    this.#end({})
    this.#call.cancel()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #end(how: { readonly error?: unknown }): void {
    if (this.#ended !== undefined) return
    const failed = 'error' in how
    const error = this.#finish(failed ? how.error : undefined)
    this.#ended = failed ? { error } : {}
    const waiting = this.#waiting
    this.#waiting = undefined
    if (failed) waiting?.reject(error)
    else waiting?.resolve(undefined)
  }
}
