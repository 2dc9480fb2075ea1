// Supervises a containerd below argv[2] until stdin says `close`, or for ever.
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { superviseContainerd } from '../../../src/backends/containerd/supervise.js'
import { openFileLocks } from '../../../src/backends/host/file-locks.js'

const root = process.argv[2] ?? ''
const print = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
const locks = await openFileLocks(root)
const repaired: string[] = []
try {
  const begun = performance.now()
  const daemon = await superviseContainerd({
    root,
    locks,
    onTrace: (entry) => {
      if (entry.kind === 'repair') repaired.push(entry.name)
    },
  })
  print({ pid: daemon.pid, address: daemon.address, ms: performance.now() - begun, repaired })
  const second = await superviseContainerd({ root, locks }).then(
    () => 'started',
    (error: { code: string }) => error.code,
  )
  print({ second })
  await once(createInterface({ input: process.stdin }), 'line')
  await daemon.close()
  await daemon.close()
  print({ end: await daemon.exited, run: await readdir('/run') })
} catch (error) {
  print({ code: (error as { code?: string }).code, message: (error as Error).message })
}
await locks.close()
process.exit(0)
