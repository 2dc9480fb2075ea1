// SIGKILL at every step that another process can see: what is there is whole, and the next one goes on.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { LocalStorage } from '../../../src/backends/local/storage/storage.js'
import { digestOfStream } from '../../../src/oci/digest.js'
import { bundleProgram, type Programs } from '../../setup/child-program.js'
import { openTestStorage } from '../../setup/local-storage.js'
import { mountTree } from '../../setup/mounted.js'
import { scenarioFiles, scenarioName, storeScenario } from '../../setup/store-scenario.js'

let programs: Programs
let scratch: string
beforeAll(async () => {
  programs = await bundleProgram('store-steps')
  scratch = await mkdtemp(join(tmpdir(), 'pouch-sdk-steps-'))
})
afterAll(async () => {
  await programs.close()
  await rm(scratch, { recursive: true, force: true })
})

/** Every blob is what its digest says, every committed snapshot mounts, and an image that has its name is whole. */
async function check(storage: LocalStorage): Promise<void> {
  for await (const { digest, size } of storage.content.list())
    expect(await digestOfStream(storage.content.read(digest))).toEqual({ digest, size })
  const snapshots = storage.snapshotter()
  const names: string[] = []
  for await (const { key, kind } of snapshots.list()) if (kind === 'committed') names.push(key)
  for (const name of names) {
    await using _tree = await mountTree(await snapshots.view('check', name))
    await snapshots.remove('check')
  }
  if ((await storage.images.find(scenarioName)) === undefined) return
  await storage.collect()
  await using tree = await mountTree(await snapshots.view('check', 'chain 1'))
  for (const [path, text] of Object.entries(scenarioFiles)) expect(await readFile(join(tree.root, path), 'utf8')).toBe(text)
  await snapshots.remove('check')
}

it('whichever step a process is killed at, nothing is torn, repair frees what it held, and the same can be done again', async () => {
  const whole = programs.start([join(scratch, 'whole'), '0'])
  const { steps } = await whole.next<{ readonly steps: number }>()
  expect(steps).toBeGreaterThan(30)
  for (let step = 1; step <= steps; step++) {
    const root = join(scratch, String(step))
    const program = programs.start([root, String(step)])
    await program.exited
    expect(program.process.signalCode, `step ${step}`).toBe('SIGKILL')
    await using opened = await openTestStorage(root)
    const { storage } = opened
    await check(storage)
    await storage.repair()
    expect(await storage.repair(), `step ${step}`).toEqual([])
    await check(storage)
    await storeScenario(storage)
    const left: string[] = []
    for await (const { key } of storage.snapshotter().list()) left.push(key)
    for await (const { digest } of storage.content.list()) left.push(digest)
    expect(left, `step ${step}`).toEqual([])
  }
}, 480_000)
