// Networks, and who is on them.
import assert from 'node:assert/strict'
import { isEngineError } from '../errors.js'
import type { NetworkInfo, NetworkSpec } from '../model/network.js'
import type { NetworkService } from '../ports/backend/networks.js'
import { type BackendCase, type BackendSubject, execute, forever, uniqueName, withContainer, withRunning } from './backend-suite-subject.js'
import { collect } from './suite.js'

/** Calls `body`, and removes the network whatever happens, unless `body` has. */
async function withNetwork(
  { backend: { networks } }: BackendSubject,
  spec: Omit<NetworkSpec, 'name'>,
  body: (network: NetworkInfo) => Promise<void>,
): Promise<void> {
  const network = await networks.create({ name: uniqueName('net'), ...spec })
  try {
    await body(network)
  } finally {
    await discard(networks, network.id)
  }
}
async function discard(networks: NetworkService, id: string): Promise<void> {
  try {
    await networks.remove(id)
  } catch (error) {
    if (!isEngineError(error, 'not_found')) throw error
  }
}
const onNone = { networkMode: undefined } as const

export const networkCases: readonly BackendCase[] = [
  {
    title: 'a network is made, told by name, by id and by the beginning of an id, listed, and removed',
    needs: 'networks',
    async run(subject) {
      const { networks } = subject.backend
      const label = uniqueName('label')
      await withNetwork(subject, { subnets: ['198.18.31.0/24'], internal: true, labels: { [label]: 'a' } }, async (made) => {
        for (const ref of [made.name, made.id, made.id.slice(0, 12)]) {
          const network = await networks.get(ref)
          assert.deepEqual(
            [network.id, network.name, network.driver, network.subnets, network.internal, network.labels[label], network.endpoints],
            [made.id, made.name, 'bridge', ['198.18.31.0/24'], true, 'a', []],
          )
        }
        const names = async (options: Parameters<typeof networks.list>[0]): Promise<readonly string[]> =>
          (await collect(networks.list(options))).map(({ name }) => name)
        assert((await names({})).includes(made.name))
        assert.deepEqual(await names({ labels: { [label]: 'a' } }), [made.name])
        assert.deepEqual(await names({ labels: { [label]: 'b' } }), [])
        assert.deepEqual(await names({ names: [made.name] }), [made.name])
        assert.deepEqual(await names({ names: [made.name.slice(0, -1)] }), [])
        await networks.remove(made.name)
        await assert.rejects(networks.get(made.id), { code: 'not_found' })
        await assert.rejects(networks.remove(made.id), { code: 'not_found' })
      })
    },
    async otherwise(subject) {
      const { networks } = subject.backend
      await assert.rejects(networks.create({ name: uniqueName('net') }), { code: 'unsupported' })
      await assert.rejects(collect(networks.list()), { code: 'unsupported' })
      await assert.rejects(networks.get('bridge'), { code: 'unsupported' })
    },
  },
  {
    title: 'a taken name is already_exists, a subnet that overlaps failed_precondition, and nothing is left of either',
    needs: 'networks',
    async run(subject) {
      const { networks } = subject.backend
      await withNetwork(subject, { subnets: ['198.18.32.0/24'] }, async (made) => {
        await assert.rejects(networks.create({ name: made.name }), { code: 'already_exists' })
        const name = uniqueName('net')
        await assert.rejects(networks.create({ name, subnets: ['198.18.32.128/25'] }), { code: 'failed_precondition' })
        await assert.rejects(networks.get(name), { code: 'not_found' })
        assert.equal((await networks.get(made.name)).id, made.id)
      })
    },
  },
  {
    title: 'a container is connected once, and disconnected as often as one likes',
    needs: 'network_connect',
    async run(subject) {
      const { networks } = subject.backend
      await withNetwork(subject, {}, async (first) => {
        await withNetwork(subject, {}, async (second) => {
          await withContainer(subject, forever, { ...onNone, networks: [{ name: first.name }] }, async (id) => {
            const endpoint = await networks.connect(second.id, id)
            assert.deepEqual([endpoint.containerId, endpoint.network], [id, second.name])
            assert.deepEqual(
              (await networks.get(second.id)).endpoints.map(({ containerId }) => containerId),
              [id],
            )
            await assert.rejects(networks.connect(second.name, id), { code: 'already_exists' })
            await networks.disconnect(second.name, id)
            await networks.disconnect(second.name, id)
            assert.deepEqual((await networks.get(second.id)).endpoints, [])
            assert.deepEqual(
              (await networks.get(first.id)).endpoints.map(({ containerId }) => containerId),
              [id],
            )
          })
          await assert.rejects(networks.connect(second.id, '0'.repeat(64)), { code: 'not_found' })
          await assert.rejects(networks.connect(uniqueName('net'), '0'.repeat(64)), { code: 'not_found' })
        })
      })
    },
    async otherwise(subject) {
      await withContainer(subject, forever, {}, async (id) => {
        await assert.rejects(subject.backend.networks.connect('bridge', id), { code: 'unsupported' })
        await assert.rejects(subject.backend.networks.disconnect('bridge', id), { code: 'unsupported' })
      })
    },
  },
  {
    title: 'a running container has an address at once when it is connected',
    needs: 'network_connect',
    async run(subject) {
      const { networks } = subject.backend
      await withNetwork(subject, {}, async (first) => {
        await withNetwork(subject, { subnets: ['198.18.34.0/24'] }, async (second) => {
          await withRunning(subject, forever, { ...onNone, networks: [{ name: first.name }] }, async (id) => {
            const { addresses } = await networks.connect(second.id, id)
            assert.match(addresses[0] ?? '', /^198\.18\.34\.\d+\/24$/)
            if (subject.real) assert.match((await execute(subject, id, ['ip', '-4', 'addr'])).stdout, /198\.18\.34\.\d+\/24/)
          })
        })
      })
    },
  },
  {
    title: 'a container has the address and the aliases that are asked for when it is connected',
    needs: 'endpoint_settings',
    async run(subject) {
      const { networks } = subject.backend
      await withNetwork(subject, {}, async (first) => {
        await withNetwork(subject, { subnets: ['198.18.33.0/24'] }, async (second) => {
          const extra = { ...onNone, networks: [{ name: first.name }] }
          await withRunning(subject, forever, extra, async (one) => {
            await withRunning(subject, forever, extra, async (other) => {
              const endpoint = await networks.connect(second.id, one, { ipv4: '198.18.33.77', aliases: ['one'] })
              assert.deepEqual([endpoint.addresses, endpoint.aliases.includes('one')], [['198.18.33.77/24'], true])
              await assert.rejects(networks.connect(second.id, other, { ipv4: '198.18.33.77' }), { code: 'failed_precondition' })
              await networks.disconnect(second.id, other)
              const { addresses } = await networks.connect(second.id, other)
              assert.match(addresses[0] ?? '', /^198\.18\.33\.\d+\/24$/)
              if (!subject.real) return
              assert.match((await execute(subject, one, ['ip', '-4', 'addr'])).stdout, /198\.18\.33\.77\/24/)
              assert.equal((await execute(subject, other, ['ping', '-c', '1', '-w', '5', '198.18.33.77'])).exitCode, 0)
            })
          })
        })
      })
    },
    async otherwise(subject) {
      const { networks } = subject.backend
      if (!subject.backend.supports('network_connect')) return
      await withNetwork(subject, {}, async (first) => {
        await withNetwork(subject, { subnets: ['198.18.33.0/24'] }, async (second) => {
          await withRunning(subject, forever, { ...onNone, networks: [{ name: first.name }] }, async (id) => {
            for (const settings of [{ aliases: ['one'] }, { ipv4: '198.18.33.77' }])
              await assert.rejects(networks.connect(second.id, id, settings), { code: 'unsupported' })
            assert.deepEqual((await networks.get(second.id)).endpoints, [])
          })
        })
      })
    },
  },
  {
    title: 'a network with a container on it, running or not, is not removed, nor is one that is always there',
    needs: 'networks',
    async run(subject) {
      const { networks } = subject.backend
      await withNetwork(subject, {}, async ({ id, name }) => {
        await withContainer(subject, forever, { ...onNone, networks: [{ name }] }, async (container) => {
          await assert.rejects(networks.remove(id), { code: 'failed_precondition' })
          assert.deepEqual(
            (await networks.get(id)).endpoints.map(({ containerId }) => containerId),
            [container],
          )
          await subject.backend.containers.start(container)
          await assert.rejects(networks.remove(id), { code: 'failed_precondition' })
        })
        assert.deepEqual((await networks.get(id)).endpoints, [])
      })
      for (const { name } of await collect(networks.list()))
        await assert.rejects(networks.remove(name), { code: 'failed_precondition' }, name)
    },
  },
  {
    title: 'prune takes the networks that no container names, also where it does not run',
    needs: 'networks',
    async run(subject) {
      const { networks } = subject.backend
      const label = uniqueName('label')
      await withNetwork(subject, { labels: { [label]: '' } }, async (used) => {
        await withNetwork(subject, { labels: { [label]: '' } }, async (unused) => {
          await withNetwork(subject, {}, async (other) => {
            await withContainer(subject, forever, { ...onNone, networks: [{ name: used.name }] }, async () => {
              assert.deepEqual(await networks.prune({ labels: { [label]: '' } }), { removed: [unused.name], freedBytes: 0 })
            })
            assert.deepEqual([(await networks.get(used.id)).name, (await networks.get(other.id)).name], [used.name, other.name])
          })
        })
      })
    },
    async otherwise({ backend: { networks } }) {
      await assert.rejects(networks.prune(), { code: 'unsupported' })
      await assert.rejects(networks.remove('bridge'), { code: 'unsupported' })
    },
  },
]
