import type { Protocol } from '../../../model/network.js'

/** `80/tcp`. */
export function parsePort(key: string): { readonly containerPort: number; readonly protocol: Protocol } | undefined {
  const [number = '', protocol = 'tcp'] = key.split('/')
  if (!/^\d+$/.test(number) || (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp')) return undefined
  return { containerPort: Number(number), protocol }
}
