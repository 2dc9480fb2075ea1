// The schemas of networks, endpoints and ports.
import * as z from 'zod/mini'
import type { Bandwidth, IpamSubnet, NetworkAttachment, NetworkSpec, PortRequest } from '../../model/network.js'
import type { ConnectOptions, DisconnectOptions, ListNetworksOptions, PruneOptions } from '../../ports/backend/networks.js'
import { once } from '../../util/once.js'
import type { Schema } from './check.js'
import { cidr, flag, ip, ipv4, ipv6, labels, mac, name, names, positive, signalField, strict, wholeNumber, word } from './fields.js'

export const portRequest: Schema<PortRequest> = once(() =>
  strict<PortRequest>({
    containerPort: wholeNumber(1, 65_535),
    hostPort: z.optional(wholeNumber(1, 65_535)),
    hostIp: z.optional(ip()),
    protocol: z.optional(z.enum(['tcp', 'udp', 'sctp'])),
  }),
)

const bandwidth: Schema<Bandwidth> = once(() =>
  strict<Bandwidth>({
    ingressBytesPerSecond: z.optional(positive()),
    egressBytesPerSecond: z.optional(positive()),
  }),
)
const endpoint = once(() => ({
  aliases: z.optional(names()),
  ipv4: z.optional(ipv4()),
  ipv6: z.optional(ipv6()),
  mac: z.optional(mac()),
  bandwidth: z.optional(bandwidth()),
  sysctls: z.optional(labels()),
  priority: z.optional(wholeNumber(Number.MIN_SAFE_INTEGER)),
  options: z.optional(labels()),
}))
export const networkAttachment: Schema<NetworkAttachment> = once(() => strict<NetworkAttachment>({ name: word(), ...endpoint() }))
export const connectOptions: Schema<ConnectOptions> = once(() => strict<ConnectOptions>({ ...endpoint(), signal: signalField() }))

export const networkSpec: Schema<NetworkSpec> = once(() =>
  strict<NetworkSpec>({
    name: name(),
    driver: z.optional(word()),
    subnets: z.optional(z.array(cidr())),
    ipam: z.optional(
      z.array(
        strict<IpamSubnet>({
          subnet: cidr(),
          range: z.optional(cidr()),
          gateway: z.optional(ip()),
          reserved: z.optional(z.array(ip())),
        }),
      ),
    ),
    internal: z.optional(flag()),
    labels: z.optional(labels()),
    options: z.optional(labels()),
  }).check(z.refine((spec) => spec.subnets === undefined || spec.ipam === undefined, { path: ['ipam'], error: 'excludes "subnets"' })),
)

export const listNetworksOptions: Schema<ListNetworksOptions> = once(() =>
  strict<ListNetworksOptions>({ labels: z.optional(labels()), names: z.optional(names()), signal: signalField() }),
)
export const disconnectOptions: Schema<DisconnectOptions> = once(() =>
  strict<DisconnectOptions>({ force: z.optional(flag()), signal: signalField() }),
)
export const pruneNetworksOptions: Schema<PruneOptions> = once(() =>
  strict<PruneOptions>({ labels: z.optional(labels()), signal: signalField() }),
)
