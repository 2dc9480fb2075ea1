// Runs a task on argv: address, namespace, root directory, root id, request as JSON. Prints its pid, then waits to be killed.
import { openFileLocks } from '../../../src/backends/host/file-locks.js'
import { join } from 'node:path'
import { openChannel } from '../../../src/backends/containerd/channel.js'
import { openRuntimes } from '../../../src/backends/containerd/runtimes.js'
import { containerdTasks } from '../../../src/backends/containerd/tasks/service.js'
import { oci } from '../../../src/drivers/runtime.js'

const [address = '', namespace = '', directory = '', rootId = '', request = '', stop = ''] = process.argv.slice(2)
const runtimes = await openRuntimes({ directory: join(directory, 'runtimes'), runtimes: { runc: oci('runc'), crun: oci('crun') } })
const print = (value: unknown): Promise<void> =>
  new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(value)}\n`, () => {
      resolve()
    })
  })
let step = 0
const channel = await openChannel({
  address,
  namespace,
  async beforeStep(name) {
    step += 1
    if (String(step) !== stop) return
    await print({ step: name })
    process.kill(process.pid, 'SIGKILL')
  },
})
const locks = await openFileLocks(directory)
const tasks = containerdTasks({ calls: channel, directory: join(directory, 'tasks'), rootId, locks, runtimes })
const asked = JSON.parse(request)
const { pid } = await tasks.run(asked)
await print({ pid })
const exit = await tasks.wait(asked)
await tasks.delete(asked)
await print({ exit, steps: step })
// Where it was to stop it is through before: a removal that the kernel keeps waiting takes more steps in some runs than in others.
if (stop === '') setInterval(() => {}, 1_000)
else process.exit(0)
