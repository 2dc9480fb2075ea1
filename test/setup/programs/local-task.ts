// Runs a task without a daemon, on argv: root directory, request as JSON, the step to die before. Prints its pid, then its exit.
import { join } from 'node:path'
import { openLocalRuntimes } from '../../../src/backends/local/runtimes.js'
import { openLocalTasks } from '../../../src/backends/local/tasks/open.js'
import { oci } from '../../../src/drivers/runtime.js'

const [directory = '', request = '', stop = ''] = process.argv.slice(2)
const print = (value: unknown): Promise<void> =>
  new Promise((resolve) => {
    process.stdout.write(`${JSON.stringify(value)}\n`, () => {
      resolve()
    })
  })
let step = 0
const runtimes = await openLocalRuntimes({ directory: join(directory, 'runtimes'), runtimes: { runc: oci('runc'), crun: oci('crun') } })
const tasks = await openLocalTasks({
  directory: join(directory, 'tasks'),
  runtimes,
  async beforeStep(name) {
    step += 1
    if (String(step) !== stop) return
    await print({ step: name })
    process.kill(process.pid, 'SIGKILL')
  },
})
const asked = JSON.parse(request)
const { pid } = await tasks.run(asked)
await print({ pid })
const exit = await tasks.wait(asked)
await tasks.delete(asked)
await print({ exit, steps: step })
setInterval(() => {}, 1_000)
