// Meeting pouchd 1.3.0 and 1.3.1, as they were recorded.
import { describe, expect, it } from 'vitest'
import { meetPouchd, pouchdSystem, pouchdVersions, withPouchd } from '../../../../setup/pouchd.js'
import type { Recorded } from '../../../../setup/replay.js'

const empty = (status: number): Recorded => ({ status, headers: {}, framing: 'none', ended: 'eof' })

describe.each(pouchdVersions)('pouchd %s', (version) => {
  it('is told from Docker by what it says, and asked without negotiation', () =>
    withPouchd(version, async ({ backend, expect: asks }) => {
      expect(backend.name).toBe('pouchd')
      asks('GET /info', pouchdSystem('info'))
      expect(await backend.system.info()).toMatchObject({
        backend: 'pouchd',
        version: version === '1.3.1' ? '1.3.1' : '1.3.0-bc5839e3',
        apiVersion: '1.24',
        cpus: 2,
        runtimes: ['crun', 'runc', 'runc-v2'],
        volumeDrivers: ['local', 'tmpfs'],
      })
    }))

  it('says beforehand what it cannot', () =>
    withPouchd(version, async ({ backend }) => {
      const cannot = ['separate_streams', 'attach_again', 'exec_working_dir', 'commit_config', 'event_history', 'health', 'init'] as const
      for (const capability of cannot) expect([capability, backend.supports(capability)]).toEqual([capability, false])
      expect(backend.supports('kill')).toBe(version === '1.3.1')
    }))
})

it('the replay refuses what was not expected, and what was expected otherwise', async () => {
  await using daemon = await meetPouchd()
  const { backend, replay } = daemon
  daemon.expect('GET /info', empty(204), { query: { all: '1' } })
  await expect(backend.system.info()).rejects.toThrow('the query differs')
  await expect(backend.system.info()).rejects.toThrow('was not expected')
  daemon.expect('POST /nobody/asks', empty(204))
  expect(() => {
    replay.verify()
  }).toThrow(/query differs[\s\S]*was not expected[\s\S]*POST \/v1\.24\/nobody\/asks was not asked/)
})
