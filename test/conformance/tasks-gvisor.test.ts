// gVisor, a kernel of its own: what it answers otherwise than runc is told by its features.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, it } from 'vitest'
import { openLocalRuntimes } from '../../src/backends/local/runtimes.js'
import { tasksSuite } from '../../src/conformance/tasks-suite.js'
import { closeable } from '../../src/util/closeable.js'
import { gvisor } from '../setup/gvisor.js'
import { localTaskRoot } from '../setup/local-task-subject.js'
import { supportedBy } from '../setup/task-features.js'
import { testApi } from '../setup/test-api.js'

const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-gvisor-'))
const runtimes = { runsc: gvisor }
const features = (await openLocalRuntimes({ directory, runtimes })).features('runsc')
assert(features !== undefined, 'gVisor is on this machine')
afterAll(() => rm(directory, { recursive: true }))

// Most of a case is waiting for sandboxes; each has a root of its own. Owned ones go the same way: one case runs both.
tasksSuite(
  {
    name: 'local, detached, with gVisor',
    supports: supportedBy(features),
    async open() {
      const root = await localTaskRoot('runsc', 'detached', { runtimes, answers: directory })
      return {
        subject: root.subject,
        ...closeable(async () => {
          const left = await root.taskNames()
          await root.close()
          assert.deepEqual(left, [], 'no case leaves a task behind')
        }),
      }
    },
  },
  { ...testApi, it: it.concurrent },
)
