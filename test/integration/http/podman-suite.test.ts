// The backend suite on a real podman.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectHttp } from '../../../src/backends/http/connect.js'
import { backendSuite } from '../../../src/conformance/backend-suite.js'
import type { BackendFeature, BackendSubject } from '../../../src/conformance/backend-suite-subject.js'
import type { Closeable } from '../../../src/model/common.js'
import { closeable } from '../../../src/util/closeable.js'
import { backendSubject } from '../../setup/backend-subject.js'
import { startTestPodman, type TestPodman } from '../../setup/podman.js'
import { testApi } from '../../setup/test-api.js'

const features: readonly BackendFeature[] = [
  'volume_usage',
  'volumes',
  'network_connect',
  'files',
  'export',
  'disk_usage',
  'commit',
  'changes',
  'build',
  'event_history',
  'exit_status_survives_restart',
  'health',
  'image_history',
  'image_import',
  'image_prune',
  'image_push',
  'image_save',
  'init',
  'kill',
  'live_resource_update',
  'log_rotation',
  'log_timestamps',
  'networks',
  'pause',
  'platform',
  'rename',
  'restart_on_failure',
  'restart_policy',
  'restart_update',
  'shared_attach',
  'stats',
  'stop_signal',
  'tmpfs',
  'top',
  'commands',
  'host',
  'oom',
  'registry',
]
let daemon: TestPodman
let opened: { readonly subject: BackendSubject } & Closeable
beforeAll(async () => {
  daemon = await startTestPodman()
  opened = await backendSubject({ open: () => connectHttp({ socketPath: daemon.socketPath }), real: true })
})
afterAll(async () => {
  await opened?.close()
  await daemon?.close()
})

describe('podman', () => {
  backendSuite(
    {
      name: 'podman',
      supports: (feature) => features.includes(feature),
      open: async () => ({ subject: opened.subject, ...closeable(async () => {}) }),
    },
    testApi,
  )
  it('says that it can what the suite expects of it', () => {
    const places: readonly string[] = ['commands', 'host', 'oom', 'registry', 'privileged']
    for (const feature of features)
      if (!places.includes(feature)) expect(opened.subject.backend.supports(feature as never), feature).toBe(true)
  })
})
