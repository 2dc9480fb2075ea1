// The backend suite without a daemon: with each runtime, and with five engines that take turns on one root.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { untilClosed } from '../../../src/api/until-closed.js'
import { openLocal } from '../../../src/backends/local/open.js'
import { backendSuite } from '../../../src/conformance/backend-suite.js'
import type { BackendSubject } from '../../../src/conformance/backend-suite-subject.js'
import type { Closeable } from '../../../src/model/common.js'
import type { Backend } from '../../../src/ports/backend/backend.js'
import { closeable } from '../../../src/util/closeable.js'
import { backendSubject } from '../../setup/backend-subject.js'
import { managedFeatures } from '../../setup/managed-features.js'
import { cgroupsBelow, filesBelow, mountsBelow, processesNaming, removeCgroup, runDirectoryOf } from '../../setup/outside.js'
import { rotatingBackend } from '../../setup/rotating-backend.js'
import { testApi } from '../../setup/test-api.js'

for (const { name, runtime, engines } of [
  { name: 'local with crun', runtime: 'crun', engines: 1 },
  { name: 'local with runc', runtime: 'runc', engines: 1 },
  { name: 'five engines on one root', runtime: 'crun', engines: 5 },
]) {
  describe(name, () => {
    const cgroupParent = `/suite-${process.pid}-local-${runtime}-${engines}`
    let root: string
    let opened: { readonly subject: BackendSubject } & Closeable
    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), 'pouch-sdk-root-'))
      // By way of what an engine puts before its backend, which is all that its users ever call.
      const one = async (): Promise<Backend> => untilClosed(await openLocal({ root, defaultRuntime: runtime }))
      const open = async (): Promise<Backend> => {
        const [first, ...others] = await Promise.all(Array.from({ length: engines }, one))
        if (first === undefined) throw new Error('no engine')
        return rotatingBackend([first, ...others])
      }
      opened = await backendSubject({ open, real: true, settings: { cgroupParent } })
    })
    afterAll(async () => {
      await opened?.close()
      await removeCgroup(cgroupParent)
      await rm(root, { recursive: true, force: true })
    })

    backendSuite(
      {
        name,
        supports: (feature) => managedFeatures.includes(feature),
        open: async () => ({ subject: opened.subject, ...closeable(async () => {}) }),
      },
      testApi,
    )

    it('the root and the machine keep nothing of the containers that are gone', async () => {
      expect(await cgroupsBelow(cgroupParent)).toEqual([])
      const run = await runDirectoryOf(root)
      expect([...(await mountsBelow(root)), ...(await mountsBelow(run))]).toEqual([])
      expect([...(await processesNaming(root)), ...(await processesNaming(run))]).toEqual([])
      // A live engine has pipes in stock there.
      for (const place of [root, run])
        for (const directory of ['containers', 'tasks', 'records/containers', 'records/names'])
          expect((await filesBelow(join(place, directory))).filter((path) => !/^\.new-.*-fifos-/.test(path))).toEqual([])
    })
  })
}
