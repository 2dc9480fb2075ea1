// size: schema
// Networks as Docker, Podman and pouchd tell them.
import * as z from 'zod/mini'
import type { EndpointInfo, EndpointSpec, IpamSubnet, NetworkInfo, NetworkSpec } from '../../../model/network.js'
import type { ResourceDialect } from '../resource-dialect.js'
import type { ContainerUse, EndpointAnswer } from './container-use.js'
import { nullish, textMap, toDate } from './values.js'

export interface NetworkAnswer {
  readonly Id: string
  readonly Name: string
  readonly Driver?: string | null | undefined
  readonly Created?: string | null | undefined
  readonly Internal?: boolean | null | undefined
  readonly Labels?: Readonly<Record<string, string>> | null | undefined
  readonly Options?: Readonly<Record<string, string>> | null | undefined
  readonly IPAM?:
    | {
        readonly Config?:
          | readonly {
              readonly Subnet?: string | null | undefined
              readonly IPRange?: string | null | undefined
              readonly Gateway?: string | null | undefined
              readonly AuxiliaryAddresses?: Readonly<Record<string, string>> | null | undefined
              readonly AuxAddress?: Readonly<Record<string, string>> | null | undefined
            }[]
          | null
          | undefined
      }
    | null
    | undefined
}
export const networkAnswer: z.ZodMiniType<NetworkAnswer> = z.object({
  Id: z.string(),
  Name: z.string(),
  Driver: nullish(z.string()),
  Created: nullish(z.string()),
  Internal: nullish(z.boolean()),
  Labels: textMap,
  Options: textMap,
  IPAM: nullish(
    z.object({
      Config: nullish(
        z.array(
          z.object({
            Subnet: nullish(z.string()),
            IPRange: nullish(z.string()),
            Gateway: nullish(z.string()),
            AuxiliaryAddresses: textMap,
            AuxAddress: textMap,
          }),
        ),
      ),
    }),
  ),
})
export const networkList: z.ZodMiniType<readonly NetworkAnswer[] | null> = z.nullable(z.array(networkAnswer))
export const networkCreated: z.ZodMiniType<{ readonly Id: string }> = z.object({ Id: z.string() })

export function toNetworkInfo(answer: NetworkAnswer, uses: readonly ContainerUse[], dialect: ResourceDialect): NetworkInfo {
  const ipam = (answer.IPAM?.Config ?? []).flatMap(({ Subnet, IPRange, Gateway, AuxiliaryAddresses, AuxAddress }): IpamSubnet[] => {
    if (!Subnet) return []
    const reserved = Object.values(AuxiliaryAddresses ?? AuxAddress ?? {})
    return [
      {
        subnet: Subnet,
        ...(IPRange && { range: IPRange }),
        ...(Gateway && { gateway: Gateway }),
        ...(reserved.length > 0 && { reserved }),
      },
    ]
  })
  return {
    id: answer.Id,
    name: answer.Name,
    driver: answer.Driver ?? '',
    ipam,
    subnets: ipam.map(({ subnet }) => subnet),
    internal: answer.Internal ?? false,
    labels: answer.Labels ?? {},
    options: answer.Options ?? {},
    createdAt: toDate(answer.Created) ?? new Date(0),
    endpoints: uses.flatMap((use) => {
      const endpoint = endpointOn(use, answer, dialect)
      return endpoint === undefined ? [] : [toEndpointInfo(answer.Name, use.id, endpoint)]
    }),
  }
}

/** What a container says of one network, if it is on it. */
export function endpointOn(
  { networks, running }: Pick<ContainerUse, 'networks' | 'running'>,
  { Id, Name }: Pick<NetworkAnswer, 'Id' | 'Name'>,
  { defaultBridge }: ResourceDialect,
): EndpointAnswer | undefined {
  const own = networks[Name] ?? (Name === 'bridge' && defaultBridge !== undefined ? networks[defaultBridge] : undefined)
  const endpoint = own ?? Object.values(networks).find(({ NetworkID }) => NetworkID === Id)
  // Docker keeps the wish of a connection that failed; what runs and is connected has an address, or at least an endpoint.
  const isLeft = running && !endpoint?.EndpointID && !endpoint?.IPAddress && !endpoint?.GlobalIPv6Address
  return isLeft ? undefined : endpoint
}

export function toEndpointInfo(network: string, containerId: string, endpoint: EndpointAnswer): EndpointInfo {
  const address = (ip: string | null | undefined, length: number | null | undefined): readonly string[] =>
    ip ? [`${ip}/${length ?? 0}`] : []
  return {
    containerId,
    network,
    mac: endpoint.MacAddress || undefined,
    addresses: [...address(endpoint.IPAddress, endpoint.IPPrefixLen), ...address(endpoint.GlobalIPv6Address, endpoint.GlobalIPv6PrefixLen)],
    gateways: [endpoint.Gateway, endpoint.IPv6Gateway].filter((gateway): gateway is string => Boolean(gateway)),
    // The beginning of the id is put among them by the daemon.
    aliases: (endpoint.Aliases ?? []).filter((alias) => !containerId.startsWith(alias) || alias.length !== 12),
  }
}

export function fromNetworkSpec(spec: NetworkSpec, { reservedKey }: ResourceDialect): object {
  const {
    name,
    driver = 'bridge',
    subnets = [],
    ipam = subnets.map((subnet) => ({ subnet })),
    internal = false,
    labels = {},
    options = {},
  } = spec
  const config = ipam.map(({ subnet, range, gateway, reserved = [] }: IpamSubnet) => ({
    Subnet: subnet,
    IPRange: range,
    Gateway: gateway,
    ...(reserved.length > 0 &&
      reservedKey !== undefined && { [reservedKey]: Object.fromEntries(reserved.map((address, at) => [`reserved${at}`, address])) }),
  }))
  return {
    Name: name,
    // Before 1.44 a daemon makes a second network of the same name unless told not to.
    CheckDuplicate: true,
    Driver: driver,
    Internal: internal,
    EnableIPv6: ipam.some(({ subnet }) => subnet.includes(':')),
    ...(config.length > 0 && { IPAM: { Driver: 'default', Config: config } }),
    Options: options,
    Labels: labels,
  }
}
export function fromEndpointSpec({ aliases, ipv4, ipv6, mac, options }: EndpointSpec): object {
  return {
    Aliases: aliases,
    ...((ipv4 ?? ipv6) !== undefined && { IPAMConfig: { IPv4Address: ipv4, IPv6Address: ipv6 } }),
    MacAddress: mac,
    DriverOpts: options,
  }
}
