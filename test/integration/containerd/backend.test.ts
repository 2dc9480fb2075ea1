import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectContainerd } from '../../../src/backends/containerd/connect.js'
import { backendSuite } from '../../../src/conformance/backend-suite.js'
import type { BackendSubject } from '../../../src/conformance/backend-suite-subject.js'
import type { Closeable } from '../../../src/model/common.js'
import { closeable } from '../../../src/util/closeable.js'
import { backendSubject } from '../../setup/backend-subject.js'
import { startTestContainerd, type TestContainerd } from '../../setup/containerd.js'
import { managedFeatures } from '../../setup/managed-features.js'
import { cgroupsBelow, daemonContents, filesBelow, mountsBelow, removeCgroup, runDirectoryOf, shimsLeft } from '../../setup/outside.js'
import { testApi } from '../../setup/test-api.js'

let daemon: TestContainerd
beforeAll(async () => {
  daemon = await startTestContainerd()
})
afterAll(async () => {
  await daemon?.close()
})

for (const runtime of ['runc', 'crun']) {
  describe(`containerd with ${runtime}`, () => {
    const namespace = `backend-${runtime}-${process.pid}`
    const cgroupParent = `/suite-${process.pid}-${runtime}`
    let root: string
    let opened: { readonly subject: BackendSubject } & Closeable
    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), 'pouch-sdk-root-'))
      const open = () => connectContainerd({ address: daemon.address, namespace, root, defaultRuntime: runtime })
      opened = await backendSubject({ open, real: true, settings: { cgroupParent } })
    })
    afterAll(async () => {
      await opened?.close()
      await removeCgroup(cgroupParent)
      await rm(root, { recursive: true, force: true })
    })

    backendSuite(
      {
        name: runtime,
        supports: (feature) => managedFeatures.includes(feature),
        open: async () => ({ subject: opened.subject, ...closeable(async () => {}) }),
      },
      testApi,
    )

    it('the daemon, the root and the machine keep nothing of the containers that are gone', async () => {
      const { containers, tasks, leases, snapshots } = await daemonContents(daemon.address, namespace)
      expect({ containers, tasks, leases }).toEqual({ containers: [], tasks: [], leases: [] })
      expect(await cgroupsBelow(cgroupParent)).toEqual([])
      const run = await runDirectoryOf(root)
      expect([...(await mountsBelow(root)), ...(await mountsBelow(run))]).toEqual([])
      expect(await shimsLeft(namespace)).toEqual([])
      expect(snapshots.filter((key) => !key.startsWith('sha256:'))).toEqual([])
      for (const place of [root, run])
        for (const directory of ['containers', 'tasks', 'records/containers', 'records/names'])
          expect(await filesBelow(join(place, directory))).toEqual([])
    })
  })
}
