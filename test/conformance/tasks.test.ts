import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { MemoryTasks } from '../../src/conformance/memory/tasks.js'
import { tasksSuite } from '../../src/conformance/tasks-suite.js'
import { oci } from '../../src/drivers/runtime.js'
import { closeable } from '../../src/util/closeable.js'
import { type TestContainerd, startTestContainerd } from '../setup/containerd.js'
import { localTaskRoot } from '../setup/local-task-subject.js'
import { supportedBy } from '../setup/task-features.js'
import { taskRoot } from '../setup/task-subject.js'
import { testApi } from '../setup/test-api.js'

tasksSuite(
  {
    name: 'memory',
    supports: (feature) => ['pause', 'shared_attach', 'tty', 'working_directory'].includes(feature),
    async open() {
      const tasks = new MemoryTasks()
      return {
        subject: {
          tasks,
          theirs: tasks,
          runtime: { name: 'memory' },
          rootfs: async () => [],
          log: (containerId) => ({ driver: 'file', options: {}, directory: `/logs/${containerId}` }),
        },
        ...closeable(async () => {}),
      }
    },
  },
  testApi,
)

let daemon: TestContainerd
let answers: string
beforeAll(async () => {
  daemon = await startTestContainerd()
  answers = await mkdtemp(join(tmpdir(), 'pouch-sdk-answers-'))
})
afterAll(async () => {
  await daemon.close()
  await rm(answers, { recursive: true })
})

for (const runtime of ['runc', 'crun']) {
  tasksSuite(
    {
      name: `containerd with ${runtime}`,
      supports: supportedBy(oci(runtime).features),
      async open() {
        const root = await taskRoot(daemon.address, runtime)
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
    testApi,
  )
}

for (const runtime of ['runc', 'crun'])
  for (const lifetime of ['owned', 'detached'] as const) {
    tasksSuite(
      {
        name: `local, ${lifetime}, with ${runtime}`,
        supports: supportedBy(oci(runtime).features),
        async open() {
          const root = await localTaskRoot(runtime, lifetime, { answers })
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
      testApi,
    )
  }
