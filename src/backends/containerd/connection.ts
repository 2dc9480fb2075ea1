// One HTTP/2 connection to a daemon's socket, made again when it is lost, and the calls on it.
import { type ChannelOptions as GrpcOptions, Client, connectivityState, credentials } from '@grpc/grpc-js'

const maxMessageBytes = 16 << 20
const grpcOptions: GrpcOptions = {
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.max_send_message_length': maxMessageBytes,
  'grpc.initial_reconnect_backoff_ms': 50,
  'grpc.max_reconnect_backoff_ms': 200, // a socket on this machine: trying costs nothing
  'grpc.default_authority': 'localhost',
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0, // it would keep a copy of what is sent, and retries are the callers' affair
  'grpc.use_local_subchannel_pool': 1,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_channelz': 0,
  'grpc-node.flow_control_window': 4 << 20,
}

/** As many as layers are fetched at once. */
const bulkConnections = 4
/** A daemon that is restarted is away for some hundred milliseconds. */
const restartMs = 1_000

export class Connection {
  readonly client: Client
  readonly #address: string
  readonly #bulk: Client[] = []
  #nextBulk = -1
  readonly #ends: Set<() => void> = new Set()
  #closed = false
  readonly #wereReady: WeakSet<Client> = new WeakSet()

  /** A path, with or without `unix://`. Connects with the first call. */
  constructor(address: string) {
    this.#address = address.startsWith('unix:') ? address : `unix://${address}`
    this.client = new Client(this.#address, credentials.createInsecure(), grpcOptions)
  }
  get isClosed(): boolean {
    return this.#closed
  }
  /**
   * For bytes: the next of a few further connections. The daemon opens its flow-control window by 64 KiB, and on a socket
   * of this machine it never learns to open it wider, so that one connection carries some 200 MB a second at best.
   */
  get bulk(): Client {
    this.#nextBulk = (this.#nextBulk + 1) % bulkConnections
    return (this.#bulk[this.#nextBulk] ??= new Client(this.#address, credentials.createInsecure(), grpcOptions))
  }
  /**
   * Waits a moment for a connection that was there before and was lost, or for a further one to a daemon that was there. Whether it came, the call
   * that follows tells.
   */
  async restored(client: Client): Promise<void> {
    if (this.#closed) return
    const ready = client.getChannel().getConnectivityState(false) === connectivityState.READY
    if (ready) this.#wereReady.add(client)
    else if (this.#wereReady.has(client) || this.#wereReady.has(this.client))
      await new Promise<void>((resolve) => client.waitForReady(Date.now() + restartMs, () => resolve()))
  }
  /** Cancels the call when the signal aborts, or the connection is closed. What it returns is called at the end of the call. */
  track(call: { cancel(): void }, signal: AbortSignal | undefined): () => void {
    const end = (): void => {
      call.cancel()
    }
    this.#ends.add(end)
    signal?.addEventListener('abort', end, { once: true })
    if (signal?.aborted === true) end()
    return () => {
      this.#ends.delete(end)
      signal?.removeEventListener('abort', end)
    }
  }
  /** gRPC's own would let calls go on for as long as they like. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const end of this.#ends) end()
    for (const client of [this.client, ...this.#bulk]) client?.close()
  }
}
