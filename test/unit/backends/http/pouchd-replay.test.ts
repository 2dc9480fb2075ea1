// pouchd 1.3.0 and 1.3.1 as they were recorded: what they are asked is exactly what they understand, and what they answer is understood.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectHttp } from '../../../../src/backends/http/connect.js'
import type { Backend } from '../../../../src/ports/backend/backend.js'
import { type Recorded, recordings, type Replay, startReplay } from '../../../setup/replay.js'

const versions = ['1.3.0', '1.3.1'] as const
const systems = { '1.3.0': await recordings('pouchd-1.3.0-system'), '1.3.1': await recordings('pouchd-1.3.1-system') }
const system = systems['1.3.0']
let replay: Replay
beforeEach(async () => {
  replay = await startReplay()
})
afterEach(async () => {
  await replay.close()
})

/** A backend that has met the daemon. */
async function meet(version: (typeof versions)[number]): Promise<Backend> {
  replay.expect({ method: 'GET', path: '/_ping' }, system('ping'))
  replay.expect({ method: 'GET', path: '/version' }, systems[version]('version'))
  replay.expect({ method: 'GET', path: '/info' }, system('info'))
  // Labels are looked for here: 1.3.0 gives those that have any of several.
  replay.expect({ method: 'GET', path: '/v1.24/containers/json', query: { all: '1' } }, none)
  const backend = await connectHttp({ socketPath: replay.socketPath })
  replay.verify()
  return backend
}
/** Nobody left anything. */
const none: Recorded = { status: 200, headers: { 'Content-Type': 'application/json' }, framing: 'content-length', ended: 'eof', body: [] }
const empty = (status: number): Recorded => ({ status, headers: {}, framing: 'none', ended: 'eof' })

describe.each(versions)('pouchd %s', (version) => {
  it('is told from Docker by what it says, and asked without negotiation', async () => {
    await using backend = await meet(version)
    expect(backend.name).toBe('pouchd')
    replay.expect({ method: 'GET', path: '/v1.24/info' }, system('info'))
    expect(await backend.system.info()).toMatchObject({
      backend: 'pouchd',
      version: version === '1.3.1' ? '1.3.1' : '1.3.0-bc5839e3',
      apiVersion: '1.24',
      cpus: 2,
      runtimes: ['crun', 'runc', 'runc-v2'],
      volumeDrivers: ['local', 'tmpfs'],
    })
    replay.verify()
  })
})

it('the replay refuses what was not expected, and what was expected otherwise', async () => {
  await using backend = await meet('1.3.0')
  replay.expect({ method: 'GET', path: '/v1.24/info', query: { all: '1' } }, empty(204))
  await expect(backend.system.info()).rejects.toThrow('the query differs')
  await expect(backend.system.info()).rejects.toThrow('was not expected')
  replay.expect({ method: 'POST', path: '/v1.24/nobody/asks' }, empty(204))
  expect(() => {
    replay.verify()
  }).toThrow(/query differs[\s\S]*was not expected[\s\S]*POST \/v1\.24\/nobody\/asks was not asked/)
})
