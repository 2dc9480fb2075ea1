import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** Of loopback, for a daemon that must be told one. The network is this run's own, so nobody else takes it meanwhile. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
