import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { openChannel } from '../../../src/backends/containerd/channel.js'
import { openStorage } from '../../../src/backends/containerd/storage/storage.js'
import { openFileLocks } from '../../../src/backends/host/file-locks.js'
import { storageSuite } from '../../../src/conformance/storage-suite.js'
import { closeable } from '../../../src/util/closeable.js'
import { startTestContainerd, type TestContainerd } from '../../setup/containerd.js'
import { mountTree } from '../../setup/mounted.js'
import { testApi } from '../../setup/test-api.js'

let daemon: TestContainerd
beforeAll(async () => {
  daemon = await startTestContainerd()
})
afterAll(async () => {
  await daemon.close()
})

storageSuite(
  {
    name: 'containerd',
    supports: () => false,
    async open() {
      const namespace = `suite-${randomUUID()}`
      const rootId = randomUUID()
      const process = async () => {
        const channel = await openChannel({ address: daemon.address, namespace })
        const locks = await openFileLocks(join(daemon.directory, 'locks', rootId))
        const storage = await openStorage({ channel, rootId, locks })
        return {
          storage,
          ...closeable(async () => {
            await channel.close()
            await locks.close()
          }),
        }
      }
      const mine = await process()
      const theirs = await process()
      const subject = { mine: mine.storage, theirs: theirs.storage, killTheirs: () => theirs.close(), tree: mountTree }
      return {
        subject,
        ...closeable(async () => {
          await mine.close()
          await theirs.close()
        }),
      }
    },
  },
  testApi,
)
