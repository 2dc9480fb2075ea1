// A process that pulls images into a local store, one after the other: root, references. Prints what it is at, and at the end of each what that took.
// With WATCH_STEPS=1 also the steps of its main thread, with COUNT_CHILDREN=1 how many processes it has started.
import { createHook } from 'node:async_hooks'
import { readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openFileLocks } from '../../../src/backends/host/file-locks.js'
import { openLocalStorage } from '../../../src/backends/local/storage/storage.js'
import { ImageManager } from '../../../src/managers/images.js'
import { watchSteps } from '../loop-steps.js'

const [root = '', ...references] = process.argv.slice(2)
const tell = (what: object): void => {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}
const locks = await openFileLocks(root)
const storage = await openLocalStorage({ directory: join(root, 'storage'), locks })
const images = new ImageManager({
  backend: 'test',
  storage,
  locks,
  registry: {},
  usedBy: async () => [],
  emit: async () => {},
  failedUndo: ({ step, error }) => {
    tell({ failedUndo: step, error: String(error) })
  },
})
tell({ ready: true })
let children = 0
const counting = createHook({
  init(_id, type) {
    if (type === 'PROCESSWRAP') children += 1
  },
})
if (process.env.COUNT_CHILDREN === '1') counting.enable()
const told = new Set<string>()
try {
  for (const reference of references) await pull(reference)
} catch (error) {
  tell({ failed: String(error) })
  process.exitCode = 1
}
await images.close()
await storage.close()
await locks.close()

async function pull(reference: string): Promise<void> {
  const loop = monitorEventLoopDelay({ resolution: 1 })
  loop.enable()
  const watch = process.env.WATCH_STEPS === '1' ? watchSteps() : undefined
  const image = await images.pull(reference, {
    onProgress: ({ phase, layer, doneBytes, totalBytes }) => {
      // Once for each layer that is half fetched.
      if (phase !== 'download' || layer === undefined || totalBytes === undefined || doneBytes < totalBytes / 2 || told.has(layer)) return
      told.add(layer)
      // Where it stays until it is killed, holding what it holds.
      if (process.env.STOP_AT_HALF === '1') {
        writeSync(1, `${JSON.stringify({ half: layer })}\n`)
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
      }
      tell({ half: layer })
    },
  })
  const steps = watch?.stop().steps
  tell({
    pulled: image.id,
    children,
    maxResidentBytes: mostResident(),
    loopDelay: { p99Ms: loop.percentile(99) / 1e6, maxMs: loop.max / 1e6 },
    steps,
  })
}
/** Not `ru_maxrss`, which a process has from the one that forked it. */
function mostResident(): number {
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
}
