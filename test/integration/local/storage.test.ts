import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileLocks } from '../../../src/backends/host/file-locks.js'
import { openLocalStorage } from '../../../src/backends/local/storage/storage.js'
import { storageSuite } from '../../../src/conformance/storage-suite.js'
import { closeable } from '../../../src/util/closeable.js'
import { mountTree } from '../../setup/mounted.js'
import { testApi } from '../../setup/test-api.js'

for (const snapshotter of ['overlayfs', 'native'] as const) {
  storageSuite(
    {
      name: `local, ${snapshotter}`,
      supports: () => snapshotter === 'overlayfs',
      async open() {
        const root = await mkdtemp(join(tmpdir(), 'pouch-sdk-storage-'))
        const process = async () => {
          const locks = await openFileLocks(root)
          return { storage: await openLocalStorage({ directory: join(root, 'storage'), locks, snapshotter }), locks }
        }
        const mine = await process()
        const theirs = await process()
        // Of a process that dies nothing is closed, but the kernel frees its locks.
        const subject = { mine: mine.storage, theirs: theirs.storage, killTheirs: () => theirs.locks.close(), tree: mountTree }
        return {
          subject,
          ...closeable(async () => {
            await mine.locks.close()
            await theirs.locks.close()
            await rm(root, { recursive: true, force: true })
          }),
        }
      },
    },
    testApi,
  )
}
