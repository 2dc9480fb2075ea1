// A gRPC server on a socket of its own that answers as a test says.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Closeable } from '../../../../src/model/common.js'
import { Version } from '../../../../src/backends/containerd/gen/version_pb.js'
import { closeable } from '../../../../src/util/closeable.js'

export type UnaryCall<I extends DescMessage, O extends DescMessage> = ServerUnaryCall<MessageShape<I>, MessageInitShape<O>>
type Implementation = Record<string, (...args: never[]) => unknown>
interface Added {
  readonly method: DescMethod
  readonly handle: (...args: never[]) => unknown
}

export class FakeDaemon implements Closeable {
  readonly directory: string
  readonly #added: Added[] = []
  #server: Server | undefined
  readonly #closing = closeable(async () => {
    this.stop()
    await rm(this.directory, { recursive: true, force: true })
  })

  constructor(directory: string) {
    this.directory = directory
    this.unary(Version.method.version, (_call, answer) => {
      answer(null, { version: 'fake', revision: '1' })
    })
  }
  get address(): string {
    return join(this.directory, 'socket')
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { readonly input: I; readonly output: O },
    handle: (call: UnaryCall<I, O>, answer: sendUnaryData<MessageInitShape<O>>) => void,
  ): this {
    return this.#add(method, handle)
  }
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { readonly input: I; readonly output: O },
    handle: (call: ServerWritableStream<MessageShape<I>, MessageInitShape<O>>) => void,
  ): this {
    return this.#add(method, handle)
  }
  duplex<I extends DescMessage, O extends DescMessage>(
    method: DescMethod & { readonly input: I; readonly output: O },
    handle: (call: ServerDuplexStream<MessageShape<I>, MessageInitShape<O>>) => void,
  ): this {
    return this.#add(method, handle)
  }

  async start(): Promise<this> {
    const server = new Server()
    const services = new Map<string, Added[]>()
    for (const one of this.#added) services.set(one.method.parent.typeName, [...(services.get(one.method.parent.typeName) ?? []), one])
    for (const added of services.values()) {
      const definition = Object.fromEntries(
        added.map(({ method: { name, input, output, parent, methodKind } }) => [
          name,
          {
            path: `/${parent.typeName}/${name}`,
            requestStream: methodKind === 'bidi_streaming',
            responseStream: methodKind !== 'unary',
            requestSerialize: () => Buffer.alloc(0),
            responseDeserialize: () => ({}),
            requestDeserialize: (bytes: Buffer) => fromBinary(input, bytes),
            responseSerialize: (message: MessageInitShape<DescMessage>) => Buffer.from(toBinary(output, create(output, message))),
          },
        ]),
      )
      server.addService(definition, Object.fromEntries(added.map(({ method, handle }) => [method.name, handle])) as Implementation as never)
    }
    await new Promise<void>((resolve, reject) => {
      server.bindAsync(`unix://${this.address}`, ServerCredentials.createInsecure(), (error) => {
        if (error === null) resolve()
        else reject(error)
      })
    })
    this.#server = server
    return this
  }
  /** Drops every connection. */
  stop(): void {
    this.#server?.forceShutdown()
    this.#server = undefined
  }
  close(): Promise<void> {
    return this.#closing.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
  #add(method: DescMethod, handle: (...args: never[]) => unknown): this {
    this.#added.push({ method, handle })
    return this
  }
}

export async function fakeDaemon(): Promise<FakeDaemon> {
  return new FakeDaemon(await mkdtemp(join(tmpdir(), 'fake-daemon-')))
}
