// The texts of /etc/hosts, /etc/hostname and /etc/resolv.conf, from the spec and the host's own files.
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { EngineError } from '../errors.js'
import type { ContainerSettings } from '../model/container-spec.js'

type HostnameSettings = Pick<ContainerSettings, 'hostname' | 'networkMode'>

export interface HostsRequest {
  readonly spec: Pick<ContainerSettings, 'extraHosts'>
  readonly hostname: string
  /** The container's own addresses, without prefix length; its name and aliases stand for them. */
  readonly addresses?: readonly string[] | undefined
  readonly aliases?: readonly string[] | undefined
  /** What `host-gateway` stands for. */
  readonly hostGateway?: string | undefined
  /** The host's own file, where the container has the host's network: it stands in place of our lines. */
  readonly hostText?: string | undefined
}

export interface ResolvConfRequest {
  readonly spec: Pick<ContainerSettings, 'dns' | 'dnsSearch'>
  /** The host's file. Where systemd-resolved rules, that of its upstream servers. */
  readonly hostText: string | undefined
  /** The container has the host's network: loopback servers work there, and the file stays as it is. */
  readonly hostNetwork: boolean
  /** Where nothing else is left. Default: two public ones, as Docker has it. */
  readonly fallback?: readonly string[] | undefined
}

const PUBLIC_SERVERS: readonly string[] = ['8.8.8.8', '8.8.4.4']
const LOCAL_LINES = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'ff00::0\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
]

/** What a container calls itself: as told, else the host's name where it has the host's network, else the beginning of its id. */
export function hostnameText(spec: HostnameSettings, id: string, hostsOwn: string = hostname()): string {
  return checkName(spec.hostname ?? (spec.networkMode === 'host' ? hostsOwn : id.slice(0, 12)), 'hostname')
}

/**
 * Throws `invalid_argument` for a name or address that would not be one, `failed_precondition` for `host-gateway` without a
 * gateway: with the host's network that is the host itself.
 */
export function hostsText({ spec, hostname: own, addresses = [], aliases = [], hostText, hostGateway }: HostsRequest): string {
  const gateway = hostGateway ?? (hostText === undefined ? undefined : '127.0.0.1')
  const lines = hostText === undefined ? [...LOCAL_LINES] : hostText.replace(/\n+$/, '').split('\n')
  for (const [name, address] of Object.entries(spec.extraHosts ?? {})) {
    lines.push(`${toAddress(name, address, gateway)}\t${checkName(name, 'extraHosts')}`)
  }
  const names = [own, ...aliases].map((name) => checkName(name, 'hostname')).join(' ')
  if (hostText === undefined) lines.push(...addresses.map((address) => `${checkAddress(address, 'address')}\t${names}`))
  return `${lines.join('\n')}\n`
}

/** Loopback servers, and those reached through an interface of the host, are left out: in a network of one's own nobody answers there. */
export function resolvConfText({ spec, hostText = '', hostNetwork, fallback = PUBLIC_SERVERS }: ResolvConfRequest): string {
  const { dns = [], dnsSearch = [] } = spec
  if (hostNetwork && dns.length === 0 && dnsSearch.length === 0 && hostText !== '')
    return hostText.endsWith('\n') ? hostText : `${hostText}\n`
  const host = parseResolv(hostText)
  const found =
    dns.length > 0
      ? dns.map((server) => checkAddress(server, 'dns'))
      : host.servers.filter((server) => hostNetwork || !(isLoopback(server) || server.includes('%')))
  const used = found.length > 0 ? found : fallback
  // A single dot means no search at all.
  const search = (dnsSearch.length > 0 ? dnsSearch : host.search)
    .filter((domain) => domain !== '.')
    .map((domain) => checkName(domain, 'dnsSearch'))
  return [
    ...used.map((server) => `nameserver ${server}`),
    ...(search.length > 0 ? [`search ${search.join(' ')}`] : []),
    ...host.options.map((options) => `options ${options}`),
  ]
    .map((line) => `${line}\n`)
    .join('')
}

interface Resolv {
  readonly servers: readonly string[]
  readonly search: readonly string[]
  readonly options: readonly string[]
}

function parseResolv(text: string): Resolv {
  const servers: string[] = []
  const options: string[] = []
  let search: readonly string[] = []
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    const [first] = values
    if (first === undefined) continue
    if (keyword === 'nameserver' && isIP(first.replace(/%.*$/, '')) !== 0) servers.push(first)
    // The last of the two wins, as the C library has it.
    if (keyword === 'search' || keyword === 'domain') search = values.filter((domain) => NAME.test(domain) || domain === '.')
    if (keyword === 'options') options.push(values.join(' '))
  }
  return { servers, search, options }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || /^(?:0{0,4}:)*:?0{0,3}1$/.test(address) || /^::ffff:127\./i.test(address)
}

function toAddress(name: string, address: string, gateway: string | undefined): string {
  if (address !== 'host-gateway') return checkAddress(address, `extraHosts.${name}`)
  if (gateway === undefined)
    throw new EngineError('failed_precondition', `extraHosts.${name}: "host-gateway" needs a network that reaches the host`)
  return checkAddress(gateway, `extraHosts.${name}`)
}

const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?$/

/** No blank, no line end and no comment gets into a file this way. */
function checkName(name: string, what: string): string {
  if (name.length <= 253 && NAME.test(name)) return name
  throw new EngineError('invalid_argument', `${what}: "${name.slice(0, 80).replace(/[^\x20-\x7e]/g, '?')}" is not a host name`)
}

function checkAddress(address: string, what: string): string {
  if (isIP(address) !== 0) return address
  throw new EngineError('invalid_argument', `${what}: "${address.slice(0, 80).replace(/[^\x20-\x7e]/g, '?')}" is not an IP address`)
}
