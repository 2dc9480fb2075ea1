// Volumes on pouchd, as they were recorded.
import { expect, it } from 'vitest'
import { collect } from '../../../../../src/conformance/suite.js'
import { type PouchdReplay, withPouchd } from '../../../../setup/pouchd.js'
import { recordings } from '../../../../setup/replay.js'

const volumes = await recordings('pouchd-1.3.0-volumes')
const none = (await recordings('pouchd-1.3.0-life'))('list none')

/** What is asked to tell a volume: itself, and who uses it. */
function tells({ expect: asks }: PouchdReplay, name: string, recorded = name): void {
  asks(`GET /volumes/${name}`, volumes(recorded))
  asks('GET /containers/json', none, { query: { all: '1' } })
}

it('a volume is made with its driver named, and told by another look, since the daemon repeats what it was asked', () =>
  withPouchd('1.3.0', async (daemon) => {
    tells(daemon, 'v1', 'absent')
    daemon.expect('POST /volumes/create', volumes('created'), { body: { Name: 'v1', Driver: 'local', DriverOpts: {}, Labels: {} } })
    tells(daemon, 'v1')
    expect(await daemon.backend.volumes.create({ name: 'v1' })).toMatchObject({ name: 'v1', driver: 'local', labels: {}, usedBy: [] })
  }))

it('another driver for a name that is there is already_exists, though the daemon would say that it has made it', () =>
  withPouchd('1.3.0', async (daemon) => {
    tells(daemon, 'v1')
    await expect(daemon.backend.volumes.create({ name: 'v1', driver: 'tmpfs' })).rejects.toMatchObject({ code: 'already_exists' })
    // Somebody was faster.
    tells(daemon, 'v1', 'absent')
    daemon.expect('POST /volumes/create', volumes('created again'), { body: { Name: 'v1', Driver: 'tmpfs', DriverOpts: {}, Labels: {} } })
    tells(daemon, 'v1')
    await expect(daemon.backend.volumes.create({ name: 'v1', driver: 'tmpfs' })).rejects.toMatchObject({ code: 'already_exists' })
  }))

it('a driver that is not there is unsupported', () =>
  withPouchd('1.3.0', async (daemon) => {
    tells(daemon, 'v4', 'absent')
    const body = { Name: 'v4', Driver: 'nodriver', DriverOpts: {}, Labels: {} }
    daemon.expect('POST /volumes/create', volumes('no driver'), { body })
    await expect(daemon.backend.volumes.create({ name: 'v4', driver: 'nodriver' })).rejects.toMatchObject({ code: 'unsupported' })
  }))

it('volumes are listed without a filter, which the daemon takes in another shape, and filtered here', () =>
  withPouchd('1.3.0', async ({ backend, expect: asks }) => {
    for (let time = 0; time < 2; time += 1) {
      asks('GET /volumes', volumes('list'))
      asks('GET /containers/json', none, { query: { all: '1' } })
    }
    expect((await collect(backend.volumes.list({ labels: { a: 'b' } }))).map(({ name }) => name)).toEqual(['v2'])
    const names = (await collect(backend.volumes.list())).map(({ name }) => name)
    expect([names.includes('v1'), names.includes('v2')]).toEqual([true, true])
  }))

it('a volume in use is not removed, whether that is known before or told by the daemon', () =>
  withPouchd('1.3.0', async (daemon) => {
    tells(daemon, 'v1', 'v1 in use')
    daemon.expect('DELETE /volumes/v1', volumes('in use'))
    await expect(daemon.backend.volumes.remove('v1')).rejects.toMatchObject({ code: 'failed_precondition' })
    tells(daemon, 'v1')
    daemon.expect('DELETE /volumes/v1', volumes('removed'))
    await daemon.backend.volumes.remove('v1')
    tells(daemon, 'v1')
    daemon.expect('DELETE /volumes/v1', volumes('remove absent'))
    await expect(daemon.backend.volumes.remove('v1')).rejects.toMatchObject({ code: 'not_found' })
  }))
