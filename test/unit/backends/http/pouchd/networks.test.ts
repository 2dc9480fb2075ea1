// Networks on pouchd, as they were recorded.
import { expect, it } from 'vitest'
import { collect } from '../../../../../src/conformance/suite.js'
import { type PouchdReplay, withPouchd } from '../../../../setup/pouchd.js'
import { recordings } from '../../../../setup/replay.js'

const networks = await recordings('pouchd-1.3.0-networks')
const none = (await recordings('pouchd-1.3.0-life'))('list none')
const execs = await recordings('pouchd-1.3.0-exec')
const id = '65cfb23a9d17eac5e891771e1450b7fc7d410cb57cb103a0be3ccbbf1fd8e68a'
const ex = '6229333de4f5cd6f52968af5e5d4affc069277417bb95116125659b9c396ca5e'
const body = { Name: 'n1', CheckDuplicate: true, Driver: 'bridge', Internal: false, EnableIPv6: false, Options: {}, Labels: {} }

/** What is asked to tell a network: itself, and who is on it. */
function tells({ expect: asks }: PouchdReplay, ref: string, recorded = 'n1'): void {
  asks(`GET /networks/${ref}`, networks(recorded))
  asks('GET /containers/json', none, { query: { all: '1' } })
}

it('a network is made with its driver named, since the daemon has no default, and told with its subnets', () =>
  withPouchd('1.3.0', async (daemon) => {
    daemon.expect('POST /networks/create', networks('created'), {
      body: {
        ...body,
        IPAM: {
          Driver: 'default',
          Config: [{ Subnet: '10.77.1.0/24', Gateway: '10.77.1.1', AuxAddress: { reserved0: '10.77.1.9' } }],
        },
        Labels: { a: 'b' },
      },
    })
    tells(daemon, id)
    const ipam = [{ subnet: '10.77.1.0/24', gateway: '10.77.1.1', reserved: ['10.77.1.9'] }]
    const made = await daemon.backend.networks.create({ name: 'n1', ipam, labels: { a: 'b' } })
    expect(made).toMatchObject({ id, name: 'n1', driver: 'bridge', subnets: ['10.77.1.0/24'], endpoints: [] })
  }))

it.each([
  { answer: 'name taken', code: 'already_exists' },
  { answer: 'overlap', code: 'failed_precondition' },
  { answer: 'bad subnet', code: 'invalid_argument' },
  { answer: 'no driver', code: 'unsupported' },
])('create rejects with $code for "$answer", whatever the status is', ({ answer, code }) =>
  withPouchd('1.3.0', async ({ backend, expect: asks }) => {
    asks('POST /networks/create', networks(answer), { body })
    await expect(backend.networks.create({ name: 'n1' })).rejects.toMatchObject({ code })
  }),
)

it('networks are listed without a filter, which the daemon does not look at, and filtered here', () =>
  withPouchd('1.3.0', async ({ backend, expect: asks }) => {
    asks('GET /networks', networks('list'))
    asks('GET /containers/json', none, { query: { all: '1' } })
    expect((await collect(backend.networks.list({ names: ['bridge'] }))).map(({ name, subnets }) => [name, subnets])).toEqual([
      ['bridge', ['192.168.5.0/24']],
    ])
  }))

it('a container is connected with what was asked for, and its endpoint is told by the container', () =>
  withPouchd('1.3.0', async (daemon) => {
    const { backend, expect: asks } = daemon
    asks('GET /networks/n1', networks('n1'))
    asks(`GET /containers/${ex}/json`, execs('container running'))
    asks(`POST /networks/${id}/connect`, networks('connected'), {
      body: { Container: ex, EndpointConfig: { Aliases: ['al'], IPAMConfig: { IPv4Address: '10.77.1.50' } } },
    })
    asks(`GET /containers/${ex}/json`, networks('container on three'))
    const endpoint = await backend.networks.connect('n1', ex, { aliases: ['al'], ipv4: '10.77.1.50' })
    // Recorded when a second connection had put another endpoint in its place.
    expect(endpoint).toMatchObject({ containerId: ex, network: 'n1', addresses: ['10.77.1.2/24'], gateways: ['10.77.1.1'] })
    // Which is why that is not asked.
    asks('GET /networks/n1', networks('n1'))
    asks(`GET /containers/${ex}/json`, networks('container on three'))
    await expect(backend.networks.connect('n1', ex)).rejects.toMatchObject({ code: 'already_exists' })
  }))

it('a container is disconnected once, and what comes second is success', () =>
  withPouchd('1.3.0', async ({ backend, expect: asks }) => {
    asks('GET /networks/n1', networks('n1'))
    asks(`GET /containers/${ex}/json`, networks('container on three'))
    asks(`POST /networks/${id}/disconnect`, networks('disconnected'), { body: { Container: ex, Force: false } })
    await backend.networks.disconnect('n1', ex)
    asks('GET /networks/n1', networks('n1'))
    asks(`GET /containers/${ex}/json`, execs('container running'))
    await backend.networks.disconnect('n1', ex)
    // Somebody was faster.
    asks('GET /networks/n1', networks('n1'))
    asks(`GET /containers/${ex}/json`, networks('container on three'))
    asks(`POST /networks/${id}/disconnect`, networks('not attached'), { body: { Container: ex, Force: false } })
    await backend.networks.disconnect('n1', ex)
  }))

it('a network is removed by its name, since the daemon knows no id there, and not while it is in use', () =>
  withPouchd('1.3.0', async (daemon) => {
    tells(daemon, id)
    daemon.expect('DELETE /networks/n1', networks('in use'))
    await expect(daemon.backend.networks.remove(id)).rejects.toMatchObject({ code: 'failed_precondition' })
    tells(daemon, id)
    daemon.expect('DELETE /networks/n1', networks('removed'))
    await daemon.backend.networks.remove(id)
    daemon.expect('GET /networks/nope', networks('absent'))
    daemon.expect('GET /containers/json', none, { query: { all: '1' } })
    await expect(daemon.backend.networks.remove('nope')).rejects.toMatchObject({ code: 'not_found' })
    tells(daemon, 'bridge', 'bridge')
    await expect(daemon.backend.networks.remove('bridge')).rejects.toMatchObject({ code: 'failed_precondition' })
  }))
