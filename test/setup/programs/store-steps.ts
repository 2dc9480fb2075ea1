// A process that does with a local store what images need, and is killed at one step: root, the step's number.
import { join } from 'node:path'
import { openFileLocks } from '../../../src/backends/host/file-locks.js'
import { openLocalStorage } from '../../../src/backends/local/storage/storage.js'
import { storeScenario } from '../store-scenario.js'

const [root = '', last = ''] = process.argv.slice(2)
let steps = 0
const locks = await openFileLocks(root)
const storage = await openLocalStorage({
  directory: join(root, 'storage'),
  locks,
  beforeStep: (step) => {
    steps += 1
    if (steps !== Number(last)) return
    process.stderr.write(step)
    process.kill(process.pid, 'SIGKILL')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  },
})
await storeScenario(storage)
process.stdout.write(`${JSON.stringify({ steps })}\n`)
await locks.close()
