// The backend suite on pouchd 1.3.1 as it was recorded: what it says is recorded, what runs in its containers is a pretence.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectHttp } from '../../src/backends/http/connect.js'
import { backendSuite } from '../../src/conformance/backend-suite.js'
import type { BackendFeature, BackendSubject } from '../../src/conformance/backend-suite-subject.js'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'
import { backendSubject } from '../setup/backend-subject.js'
import { type ReplayedPouchd, startReplayedPouchd } from '../setup/replayed-pouchd/daemon.js'
import { testApi } from '../setup/test-api.js'

const features: readonly BackendFeature[] = [
  'annotations',
  'chosen_id',
  'daemon_update',
  'env_update',
  'exit_status_survives_restart',
  'image_history',
  'kill',
  'label_update',
  'live_resource_update',
  'log_timestamps',
  'ordered_events',
  'pause',
  'rename',
  'restart_policy',
  'restart_update',
  'shared_attach',
  'stats',
  'stop_signal',
]

describe('pouchd 1.3.1, replayed', () => {
  let daemon: ReplayedPouchd
  let opened: { readonly subject: BackendSubject } & Closeable
  beforeAll(async () => {
    daemon = await startReplayedPouchd()
    opened = await backendSubject({ open: () => connectHttp({ socketPath: daemon.socketPath }), real: false })
  })
  afterAll(async () => {
    await opened?.close()
    await daemon?.close()
  })

  backendSuite(
    {
      name: 'pouchd 1.3.1, replayed',
      supports: (feature) => features.includes(feature),
      open: async () => ({ subject: opened.subject, ...closeable(async () => {}) }),
    },
    testApi,
  )

  it('is asked nothing that it would not know, and keeps nothing', () => {
    expect([daemon.refused, daemon.containers]).toEqual([[], []])
  })
})
