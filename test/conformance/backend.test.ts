import { afterAll, beforeAll } from 'vitest'
import { backendSuite } from '../../src/conformance/backend-suite.js'
import type { BackendFeature, BackendSubject } from '../../src/conformance/backend-suite-subject.js'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'
import { backendSubject } from '../setup/backend-subject.js'
import { memoryRoot, type MemoryRoot } from '../setup/memory-backend.js'
import { testApi } from '../setup/test-api.js'

const features: readonly BackendFeature[] = [
  'annotations',
  'attach_again',
  'chosen_id',
  'contents',
  'env_update',
  'event_history',
  'exec_end_codes',
  'exec_kill',
  'exec_working_dir',
  'exit_status_survives_restart',
  'group_names',
  'image_events',
  'image_import',
  'ipc_modes',
  'kill',
  'label_update',
  'live_resource_update',
  'nameless_images',
  'netns_path',
  'ordered_events',
  'pause',
  'platform',
  'refusals',
  'rename',
  'separate_streams',
  'shared_attach',
  'shared_resources',
  'stats',
  'stop_signal',
]
let root: MemoryRoot
let opened: { readonly subject: BackendSubject } & Closeable
beforeAll(async () => {
  root = await memoryRoot()
  opened = await backendSubject({ open: root.open, real: false })
})
afterAll(async () => {
  await opened?.close()
  await root?.close()
})

backendSuite(
  {
    name: 'memory',
    supports: (feature) => features.includes(feature),
    open: async () => ({ subject: opened.subject, ...closeable(async () => {}) }),
  },
  testApi,
)
