export interface RegistryHostOptions {
  /** Speak HTTP without TLS. Default: only to `localhost`, `127.0.0.0/8` and `[::1]`. */
  readonly plainHttp?: boolean | undefined
  /** PEM certificates to trust instead of the system's. */
  readonly ca?: string | undefined
  /** Hosts that are asked first, in order, and trusted as this one is. */
  readonly mirrors?: readonly string[] | undefined
}
export interface RegistryOptions {
  /** By host as it stands in a reference, port included: `docker.io`, `registry.example:5000`. */
  readonly hosts?: Readonly<Record<string, RegistryHostOptions>> | undefined
}

/** Where to ask. */
export interface RegistryEndpoint {
  /** `host[:port]`, for messages. */
  readonly host: string
  /** `https://host[:port]`. */
  readonly origin: string
}
export function endpointsOf(
  host: string,
  options: RegistryOptions,
): { readonly mirrors: readonly RegistryEndpoint[]; readonly own: RegistryEndpoint } {
  const mirrors = options.hosts?.[host]?.mirrors ?? []
  return { mirrors: mirrors.map((mirror) => endpointOf(mirror, options)), own: endpointOf(host, options) }
}
function endpointOf(host: string, options: RegistryOptions): RegistryEndpoint {
  const plain = options.hosts?.[host]?.plainHttp ?? isLoopback(host)
  // The name in Docker Hub's references is not where its registry is.
  return { host, origin: `${plain ? 'http' : 'https'}://${host === 'docker.io' ? 'registry-1.docker.io' : host}` }
}
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host)
}
