// The room's one way to its daemon: namespace, lease, deadlines, aborts, errors and traces are settled here.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf'
import { type Client, type ClientReadableStream, Metadata } from '@grpc/grpc-js'
import type { CallOptions, Closeable } from '../../model/common.js'
import type { Trace } from '../../model/trace.js'
import { backendClosed } from '../../errors.js'
import { Connection } from './connection.js'
import { raceAbort } from '../../util/abort.js'
import { unlessItHangs } from '../../util/patient-abort.js'
import { type ErrorContext, toEngineError } from './errors.js'
import { Version } from './gen/version_pb.js'
import { Duplex } from './duplex.js'

export interface ChannelOptions {
  /** Path of the daemon's socket, with or without `unix://`. */
  readonly address: string
  readonly namespace: string
  readonly onTrace?: Trace | undefined
  /** For tests: awaited before each call, and before each further step of a long one. */
  readonly beforeStep?: ((step: string) => void | Promise<void>) | undefined
}
export interface StreamOptions extends CallOptions {
  /** What it is about; named in errors. */
  readonly subject?: ErrorContext['subject']
  /** While there is no connection, wait for one (for as long as the deadline) instead of failing at once. Default false. */
  readonly waitForReady?: boolean | undefined
}
export interface UnaryOptions extends StreamOptions {
  /** Default 60 000; `Infinity` for what may take any time. */
  readonly deadlineMs?: number | undefined
  /**
   * For what makes something: an abort waits for the answer, a few seconds, and what has come to be is told. Cut off, a call may do its work
   * after we have undone it. Default false.
   */
  readonly waitForAnswer?: boolean | undefined
}
export interface DaemonVersion {
  readonly version: string
  readonly revision: string
}

/** Calls as typed as the service descriptors in `gen/`. Without a connection they throw `unavailable`; none hangs. */
export interface Calls {
  readonly namespace: string
  /** What is written through this view belongs to this lease. */
  readonly lease?: string | undefined
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options?: UnaryOptions,
  ): Promise<MessageShape<O>>
  /** Stopping early cancels the call. */
  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options?: StreamOptions,
  ): AsyncGenerator<MessageShape<O>, void, undefined>
  /** To be closed by the caller; an abort rejects what is waited for. */
  bidi<I extends DescMessage, O extends DescMessage>(method: DescMethodBiDiStreaming<I, O>, options?: StreamOptions): Promise<Duplex<I, O>>
  /** Announces a step inside a longer call to `beforeStep`. */
  step(name: string): Promise<void>
  /** Reports what is no call: an undo that failed, something passed over. Never throws. */
  readonly trace: Trace
}
export interface Channel extends Calls, Closeable {
  /** The same connection, not to be closed. */
  withLease(id: string): Calls
  ping(options?: UnaryOptions): Promise<DaemonVersion>
}

const defaultDeadlineMs = 60_000
/** Called once, at the end of a call; makes the error to throw. */
type CallEnd = (error?: unknown, about?: StreamOptions) => unknown

/** Resolves when the daemon has answered. With `waitForReady`, a daemon that is starting is waited for until the deadline. */
export async function openChannel(options: ChannelOptions & UnaryOptions): Promise<Channel> {
  options.signal?.throwIfAborted()
  const channel = new GrpcCalls(new Connection(options.address), options, undefined)
  try {
    await channel.ping(options)
  } catch (error) {
    await channel.close()
    throw error
  }
  return channel
}

class GrpcCalls implements Channel {
  readonly lease: string | undefined
  readonly #connection: Connection
  readonly #options: ChannelOptions

  constructor(connection: Connection, options: ChannelOptions, lease: string | undefined) {
    this.#connection = connection
    this.#options = options
    this.lease = lease
  }
  get namespace(): string {
    return this.#options.namespace
  }
  readonly trace: Trace = (entry) => {
    try {
      this.#options.onTrace?.(entry)
    } catch {
      /* a tracer's own bug must not change what we do */
    }
  }
  async close(): Promise<void> {
    this.#connection.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
  withLease(id: string): Calls {
    return new GrpcCalls(this.#connection, this.#options, id)
  }
  async step(name: string): Promise<void> {
    await this.#options.beforeStep?.(name)
  }

  async ping(options?: UnaryOptions): Promise<DaemonVersion> {
    const { version, revision } = await this.unary(Version.method.version, {}, options)
    return { version, revision }
  }

  async unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: UnaryOptions = {},
  ): Promise<MessageShape<O>> {
    const { signal, waitForAnswer = false } = options
    const end = await this.#begin(method, signal)
    const call = (cut: CallOptions): Promise<MessageShape<O>> => this.#request(method, request, { ...options, ...cut }, end)
    return waitForAnswer ? unlessItHangs(call, { signal }) : call({ signal })
  }
  #request<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: UnaryOptions,
    end: CallEnd,
  ): Promise<MessageShape<O>> {
    const { signal, deadlineMs = defaultDeadlineMs } = options
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        reject(end(error, options))
      }
      const deadline = deadlineMs === Infinity ? {} : { deadline: Date.now() + deadlineMs }
      let release = (): void => {}
      try {
        const call = this.#connection.client.makeUnaryRequest(
          path(method),
          serializer(method.input),
          deserializer(method.output),
          request,
          this.#metadata(options),
          deadline,
          (error, answer) => {
            release()
            if (error !== null || answer === undefined) fail(error ?? new Error('no answer'))
            else {
              end()
              resolve(answer)
            }
          },
        )
        release = this.#connection.track(call, signal)
      } catch (error) {
        fail(error)
      }
    })
  }

  async *serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: StreamOptions = {},
  ): AsyncGenerator<MessageShape<O>, void, undefined> {
    const { signal } = options
    const end = await this.#begin(method, signal)
    let call: ClientReadableStream<MessageShape<O>>
    try {
      call = this.#connection.client.makeServerStreamRequest(
        path(method),
        serializer(method.input),
        deserializer(method.output),
        request,
        this.#metadata(options),
      )
    } catch (error) {
      throw end(error, options)
    }
    call.on('error', () => {}) // a cancel always emits one, also when nobody iterates any more
    const release = this.#connection.track(call, signal)
    let failure: unknown
    try {
      for await (const message of call as AsyncIterable<MessageShape<O>>) yield message
    } catch (error) {
      failure = error
      throw end(error, options)
    } finally {
      release()
      call.cancel()
      if (failure === undefined) end()
    }
  }

  async bidi<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    options: StreamOptions = {},
  ): Promise<Duplex<I, O>> {
    const client = this.#connection.bulk
    const end = await this.#begin(method, options.signal, client)
    try {
      const call = client.makeBidiStreamRequest(
        path(method),
        serializer(method.input),
        deserializer(method.output),
        this.#metadata(options),
      )
      const release = this.#connection.track(call, options.signal)
      return new Duplex<I, O>(call, (error) => {
        release()
        return end(error, options)
      })
    } catch (error) {
      throw end(error, options)
    }
  }

  async #begin(method: DescMethod, signal: AbortSignal | undefined, client: Client = this.#connection.client): Promise<CallEnd> {
    const name = stepName(method)
    signal?.throwIfAborted()
    if (this.#options.beforeStep !== undefined) {
      await this.#options.beforeStep(name)
      signal?.throwIfAborted()
    }
    await raceAbort(this.#connection.restored(client), signal)
    const begun = performance.now()
    const done = (code?: string): void => {
      this.trace({ kind: 'call', name, durationMs: performance.now() - begun, code })
    }
    return (error, about) => {
      if (error === undefined) {
        done()
        return undefined
      }
      if (signal?.aborted === true) {
        done('aborted')
        return signal.reason as unknown
      }
      const mapped = this.#connection.isClosed
        ? backendClosed(error)
        : toEngineError(error, { step: name, address: this.#options.address, subject: about?.subject })
      done(mapped.code)
      return mapped
    }
  }
  #metadata({ waitForReady = false }: StreamOptions): Metadata {
    const metadata = new Metadata({ waitForReady })
    metadata.set('containerd-namespace', this.#options.namespace)
    if (this.lease !== undefined) metadata.set('containerd-lease', this.lease)
    return metadata
  }
}

const path = (method: DescMethod): string => `/${method.parent.typeName}/${method.name}`
/** E.g. `snapshots.prepare`. */
const stepName = (method: DescMethod): string => `${method.parent.name.toLowerCase()}.${method.localName}`
// Bytes pass as they are: a hot path may have encoded its message itself.
const serializer =
  <I extends DescMessage>(desc: I) =>
  (message: MessageInitShape<I> | Buffer): Buffer => {
    if (Buffer.isBuffer(message)) return message
    const bytes = toBinary(desc, create(desc, message))
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
const deserializer =
  <O extends DescMessage>(desc: O) =>
  (bytes: Buffer): MessageShape<O> =>
    fromBinary(desc, bytes)
