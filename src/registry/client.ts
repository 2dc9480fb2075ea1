// Pulls from registries: distribution-spec v1.1, anonymously. By Node's own HTTP, which a process has loaded anyway, or all but.
import { EngineError, isEngineError } from '../errors.js'
import type { CallOptions, Closeable, Descriptor } from '../model/common.js'
import { digestAlgorithm, digestOf } from '../oci/digest.js'
import { MAX_MANIFEST_BYTES } from '../oci/manifest.js'
import { type ImageReference, repositoryName } from '../oci/reference.js'
import { TokenCache } from './auth.js'
import { openBlob, readBlob } from './blob.js'
import { isRetryableStatus, isTransient, statusFailure } from './failures.js'
import { acceptManifests, describeHead, describeManifest } from './manifests.js'
import { endpointsOf, type RegistryEndpoint, type RegistryOptions } from './options.js'
import { readAtMost } from './read.js'
import { type Attempt, defaultRetry, parseRetryAfter, retrying, type RetryPolicy } from './retry.js'
import { type HttpResponse, type Timeouts, Transport } from './transport.js'

export type Repository = Pick<ImageReference, 'domain' | 'path'>

export interface ResolvedManifest {
  readonly descriptor: Descriptor
  /** When resolving it has read it already. */
  readonly bytes?: Uint8Array | undefined
}
export interface BlobOptions extends CallOptions {
  /** Where to begin. Default 0. */
  readonly offset?: number | undefined
}
export interface RegistryClientSettings {
  readonly options?: RegistryOptions | undefined
  /** For tests. */
  readonly retry?: RetryPolicy | undefined
  readonly timeouts?: Timeouts | undefined
}
/** What `what` names in messages, and how to ask for it. */
export interface Ask {
  readonly method: 'GET' | 'HEAD'
  /** Below the repository, e.g. `manifests/latest`. */
  readonly path: string
  readonly what: string
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Statuses beside 200 that are answers. */
  readonly accept?: readonly number[] | undefined
}

export class RegistryClient implements Closeable {
  readonly #options: RegistryOptions
  readonly #retry: RetryPolicy
  readonly #transport: Transport
  readonly #tokens: TokenCache

  constructor({ options = {}, retry = defaultRetry, timeouts }: RegistryClientSettings = {}) {
    this.#options = options
    this.#retry = retry
    this.#transport = new Transport(options, timeouts)
    this.#tokens = new TokenCache(this.#transport, retry)
  }
  /** What a name stands for now. Where HEAD does not tell, the manifest is read and hashed. */
  async resolve(reference: ImageReference, options: CallOptions = {}): Promise<ResolvedManifest> {
    const wanted = reference.digest ?? reference.tag ?? 'latest'
    const what = `image "${repositoryName(reference)}${reference.digest === undefined ? ':' : '@'}${wanted}"`
    const path = `manifests/${wanted}`
    const headers = { accept: acceptManifests }
    return this.#anyEndpoint(reference, async (endpoint) => {
      const head = await this.#send(endpoint, reference, { method: 'HEAD', path, what, headers, accept: [400, 405, 501] }, options)
      await head.discard()
      const described = head.status === 200 ? describeHead(head, reference.digest, what, endpoint.host) : undefined
      if (described !== undefined) return { descriptor: described }
      const response = await this.#send(endpoint, reference, { method: 'GET', path, what, headers }, options)
      const bytes = await readAtMost(response.body, MAX_MANIFEST_BYTES, `the manifest of ${what}`)
      return { descriptor: describeManifest(response, bytes, reference.digest, what, endpoint.host), bytes }
    })
  }
  /** Verified. */
  async manifest(repository: Repository, { digest, mediaType, size }: Descriptor, options: CallOptions = {}): Promise<Uint8Array> {
    const what = `manifest "${digest}" of "${repositoryName(repository)}"`
    if (size > MAX_MANIFEST_BYTES) throw new EngineError('resource_exhausted', `${what} is larger than ${MAX_MANIFEST_BYTES} bytes`)
    return this.#anyEndpoint(repository, async (endpoint) => {
      const headers = { accept: `${mediaType}, ${acceptManifests}` }
      const response = await this.#send(endpoint, repository, { method: 'GET', path: `manifests/${digest}`, what, headers }, options)
      const bytes = await readAtMost(response.body, MAX_MANIFEST_BYTES, what)
      if (bytes.length === size && digestOf(bytes, digestAlgorithm(digest)) === digest) return bytes
      throw new EngineError('data_loss', `registry "${endpoint.host}" sends other bytes than ${what}${html(response)}`)
    })
  }
  /**
   * From `offset` to the end, not verified, and not one byte more than is needed to see that there are too many. A cut
   * connection is opened again where it broke. Nothing is asked before the first step.
   */
  blob(repository: Repository, blob: Descriptor, { offset = 0, signal }: BlobOptions = {}): AsyncIterable<Uint8Array> {
    const what = `blob "${blob.digest}" of "${repositoryName(repository)}"`
    return readBlob({ what, size: blob.size, offset, retry: this.#retry, signal }, (position) =>
      this.#anyEndpoint(repository, (endpoint) =>
        openBlob({ what, size: blob.size, position, host: endpoint.host }, (headers) =>
          this.#send(endpoint, repository, { method: 'GET', path: `blobs/${blob.digest}`, what, headers, accept: [206, 416] }, { signal }),
        ),
      ),
    )
  }
  /** A layer that the manifest says is elsewhere. No token goes there. */
  foreignBlob(address: string, blob: Descriptor, { offset = 0, signal }: BlobOptions = {}): AsyncIterable<Uint8Array> {
    const what = `blob "${blob.digest}"`
    if (!URL.canParse(address)) throw new EngineError('invalid_argument', `${what} is said to be at what is no address`)
    const url = new URL(address)
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new EngineError('unsupported', `${what} is said to be at a "${url.protocol}" address: only http and https can be fetched`)
    url.username = url.password = ''
    return readBlob({ what, size: blob.size, offset, retry: this.#retry, signal }, (position) =>
      openBlob({ what, size: blob.size, position, host: url.host }, (headers) =>
        retrying(
          async () => judge(() => this.#transport.request({ method: 'GET', url, headers, signal }), [206, 416], what, url.host),
          this.#retry,
          { signal },
        ),
      ),
    )
  }
  close(): Promise<void> {
    return this.#transport.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Mirrors first. Any failure of one but a wrong content leads to the next; the host's own is what the caller sees. */
  async #anyEndpoint<T>({ domain }: Repository, ask: (endpoint: RegistryEndpoint) => Promise<T>): Promise<T> {
    const { mirrors, own } = endpointsOf(domain, this.#options)
    for (const mirror of mirrors) {
      try {
        return await ask(mirror)
      } catch (error) {
        if (!isEngineError(error) || error.code === 'data_loss') throw error
      }
    }
    return ask(own)
  }
  #send(endpoint: RegistryEndpoint, { path }: Repository, ask: Ask, options: CallOptions): Promise<HttpResponse> {
    return retrying(
      () => judge(() => this.#authorized(endpoint, path, ask, options), ask.accept ?? [], ask.what, endpoint.host),
      this.#retry,
      options,
    )
  }
  /** With a known token, then once with a new one: it may have ended in the middle of a pull. */
  async #authorized(
    endpoint: RegistryEndpoint,
    repository: string,
    { method, path, what, headers = {} }: Ask,
    { signal }: CallOptions,
  ): Promise<HttpResponse> {
    const scope = `repository:${repository}:pull`
    const url = new URL(`${endpoint.origin}/v2/${repository}/${path}`)
    const send = (authorization: string | undefined): Promise<HttpResponse> =>
      this.#transport.request({ method, url, headers, authorization, signal })
    const response = await send(this.#tokens.find(endpoint, scope))
    if (response.status !== 401) return response
    await response.discard()
    return send(await this.#tokens.obtain(endpoint, scope, response, what, { signal }))
  }
}

async function judge(
  send: () => Promise<HttpResponse>,
  accept: readonly number[],
  what: string,
  host: string,
): Promise<Attempt<HttpResponse>> {
  try {
    const response = await send()
    if (response.status === 200 || accept.includes(response.status)) return { value: response }
    await response.discard()
    const failure = statusFailure(response.status, what, host)
    if (isRetryableStatus(response.status)) return { failure, afterMs: parseRetryAfter(response.header('retry-after')) }
    throw failure
  } catch (error) {
    if (isTransient(error)) return { failure: error }
    throw error
  }
}
function html(response: HttpResponse): string {
  return response.header('content-type')?.startsWith('text/html') === true ? ': a web page' : ''
}
