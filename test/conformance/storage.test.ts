import { MemoryState } from '../../src/conformance/memory/state.js'
import { MemoryStorage } from '../../src/conformance/memory/storage.js'
import { storageSuite } from '../../src/conformance/storage-suite.js'
import { closeable } from '../../src/util/closeable.js'
import { testApi } from '../setup/test-api.js'

storageSuite(
  {
    name: 'memory',
    supports: () => true,
    async open() {
      const state = new MemoryState()
      const mine = new MemoryStorage(state)
      const theirs = new MemoryStorage(state)
      const subject = {
        mine,
        theirs,
        killTheirs: async () => {
          theirs.die()
        },
        tree: mine.tree.bind(mine),
      }
      return { subject, ...closeable(async () => {}) }
    },
  },
  testApi,
)
