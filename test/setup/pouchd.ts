// pouchd by its recordings: met by a backend, and asked what a test expects.
import { connectHttp } from '../../src/backends/http/connect.js'
import type { Closeable } from '../../src/model/common.js'
import type { Backend } from '../../src/ports/backend/backend.js'
import { closeable } from '../../src/util/closeable.js'
import { type Expected, type Recorded, recordings, type Replay, startReplay } from './replay.js'

export const pouchdVersions = ['1.3.0', '1.3.1'] as const
export type PouchdVersion = (typeof pouchdVersions)[number]

const systems = { '1.3.0': await recordings('pouchd-1.3.0-system'), '1.3.1': await recordings('pouchd-1.3.1-system') }
export const pouchdSystem: (exchange: string) => Recorded = systems['1.3.0']

const json = { 'Content-Type': 'application/json' }
/** As `GET /containers/json` was recorded on a daemon without containers. */
const noContainers: Recorded = { status: 200, headers: json, framing: 'content-length', ended: 'eof', body: [] }

export interface PouchdReplay extends Closeable {
  readonly backend: Backend
  readonly replay: Replay
  /** As `replay.expect`, with a path below the version: `POST /containers/c1/start`. */
  expect(call: string, recorded: Recorded, request?: Omit<Expected, 'method' | 'path'>): void
}

/** A backend that has met the daemon. Closing checks that all that was expected was asked, and nothing else. */
export async function meetPouchd(version: PouchdVersion = '1.3.0'): Promise<PouchdReplay> {
  const replay = await startReplay()
  replay.expect({ method: 'GET', path: '/_ping' }, pouchdSystem('ping'))
  replay.expect({ method: 'GET', path: '/version' }, systems[version]('version'))
  replay.expect({ method: 'GET', path: '/info' }, pouchdSystem('info'))
  // Labels are looked for here: 1.3.0 gives those that have any of several.
  replay.expect({ method: 'GET', path: '/v1.24/containers/json', query: { all: '1' } }, noContainers)
  const backend = await connectHttp({ socketPath: replay.socketPath })
  replay.verify()
  return {
    backend,
    replay,
    expect(call, recorded, request = {}) {
      const [method = '', path = ''] = call.split(' ')
      replay.expect({ method, path: `/v1.24${path}`, ...request }, recorded)
    },
    ...closeable(async () => {
      await backend.close()
      await replay.close()
    }),
  }
}

/** Runs `body` against a daemon of its own, which must then have been asked all that was expected and no more. */
export async function withPouchd(version: PouchdVersion, body: (daemon: PouchdReplay) => Promise<void>): Promise<void> {
  await using daemon = await meetPouchd(version)
  await body(daemon)
  daemon.replay.verify()
}
