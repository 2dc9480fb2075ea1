// The backend suite on a daemon of the test's own, reached over HTTP: it is met once, and keeps nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backendSuite } from '../../src/conformance/backend-suite.js'
import type { BackendFeature, BackendSubject } from '../../src/conformance/backend-suite-subject.js'
import type { ContainerSettings } from '../../src/model/container-spec.js'
import type { Closeable } from '../../src/model/common.js'
import type { Backend } from '../../src/ports/backend/backend.js'
import { closeable } from '../../src/util/closeable.js'
import { backendSubject } from './backend-subject.js'
import { testApi } from './test-api.js'

export interface DaemonSuite<Daemon extends Closeable> {
  readonly name: string
  start(): Promise<Daemon>
  connect(daemon: Daemon): Promise<Backend>
  /** What the backend must say that it can, and what this place can; anything else it must say that it cannot. */
  readonly features: readonly BackendFeature[]
  /** Of every container. */
  readonly settings?: Partial<ContainerSettings> | undefined
  /** What is there by the daemon's own client, compared before and after. */
  remains(daemon: Daemon): Promise<unknown>
}

export function daemonSuite<Daemon extends Closeable>({ name, start, connect, features, settings, remains }: DaemonSuite<Daemon>): void {
  describe(name, () => {
    let daemon: Daemon
    let opened: { readonly subject: BackendSubject } & Closeable
    let before: unknown
    beforeAll(async () => {
      daemon = await start()
      before = await remains(daemon)
      opened = await backendSubject({ open: () => connect(daemon), real: true, settings })
    })
    afterAll(async () => {
      await opened?.close()
      await daemon?.close()
    })

    backendSuite(
      {
        name,
        supports: (feature) => features.includes(feature),
        open: async () => ({ subject: opened.subject, ...closeable(async () => {}) }),
      },
      testApi,
    )

    it('the daemon keeps nothing of what is gone', async () => {
      expect(await remains(daemon)).toEqual(before)
    })
  })
}
